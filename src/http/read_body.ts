/** The bytes of a body, within a limit before and after decompression. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ServiceError } from '../errors.ts'

const unzip = promisify(gunzip)

export async function readBody(stream: IncomingMessage, bytes_max: number): Promise<Buffer> {
  const encoding = encodingOf(stream.headers)
  const body = await collect(stream, bytes_max)
  if (body.length === 0)
    throw new ServiceError('malformed_body', { field: 'the body', found: 'nothing', expected: 'JSON or CBOR' })
  return encoding === 'gzip' ? decompress(body, bytes_max) : body
}

function encodingOf(headers: IncomingHttpHeaders): 'gzip' | 'identity' {
  const found = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (found === 'gzip' || found === 'identity') return found
  throw new ServiceError('unsupported_encoding', {
    field: 'Content-Encoding',
    found: found.slice(0, 40),
    expected: 'gzip, or none',
  })
}

function tooLarge(found: string, bytes_max: number): ServiceError {
  return new ServiceError('body_too_large', { field: 'the body', found, expected: `at most ${bytes_max} bytes` })
}

/** One buffer of the announced length where there is one, so a body of megabytes is copied once. */
async function collect(stream: IncomingMessage, bytes_max: number): Promise<Buffer> {
  const announced = Number(stream.headers['content-length'] ?? Number.NaN)
  if (announced > bytes_max) throw tooLarge(`${announced} bytes`, bytes_max)
  const chunks: Buffer[] = []
  let received = 0
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received > bytes_max) return reject(tooLarge(`more than ${bytes_max} bytes`, bytes_max))
      chunks.push(chunk)
    })
    stream.once('end', resolve)
    stream.once('error', () =>
      reject(new ServiceError('malformed_body', { field: 'the body', found: 'a broken connection' })),
    )
  })
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received)
}

async function decompress(body: Buffer, bytes_max: number): Promise<Buffer> {
  try {
    return await unzip(body, { maxOutputLength: bytes_max })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(`more than ${bytes_max} bytes after decompression`, bytes_max)
    }
    throw new ServiceError('malformed_body', {
      field: 'the body',
      found: 'damaged gzip data',
      expected: 'gzip (RFC 1952)',
    })
  }
}
