/** JSON and CBOR: which one a body is, and both directions between bytes and values. */
import { isUtf8 } from 'node:buffer'
import { Encoder } from 'cbor-x'
import { ServiceError } from '../errors.ts'
import { CborError, readCbor } from './cbor_reader.ts'

export type Format = 'json' | 'cbor'

export const MEDIA_TYPES: Record<Format, string> = { json: 'application/json', cbor: 'application/cbor' }

export function formatOf(content_type: string): Format {
  return content_type.toLowerCase().startsWith(MEDIA_TYPES.cbor) ? 'cbor' : 'json'
}

export function readBytes(bytes: Buffer, format: Format): unknown {
  return format === 'cbor' ? fromCbor(bytes) : fromJson(bytes)
}

function fromJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw malformed('text that is not UTF-8', 'JSON in UTF-8')
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw malformed((error as SyntaxError).message.slice(0, 120), 'JSON')
  }
}

function fromCbor(bytes: Buffer): unknown {
  try {
    return readCbor(bytes)
  } catch (error) {
    if (error instanceof CborError) throw malformed(error.message.replace(/^found /, ''), 'one CBOR item')
    throw error
  }
}

const malformed = (found: string, expected: string) =>
  new ServiceError('malformed_body', { field: 'the body', found, expected })

/** Typed arrays become RFC 8746 ones in CBOR. */
export type BytesWriter = (value: Record<string, unknown>, format: Format) => Buffer

export function createWriter(): BytesWriter {
  const cbor = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: true })
  return (value, format) => (format === 'cbor' ? cbor.encode(value) : Buffer.from(JSON.stringify(value)))
}
