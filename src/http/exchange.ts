/** What the routes share that speak both formats. */
import type { FastifyRequest } from 'fastify'
import { ServiceError } from '../errors.ts'
import { acceptedFormat } from './accept.ts'
import { type Format, formatOf, MEDIA_TYPES } from './formats.ts'

export type Received = { bytes: Buffer; format: Format; answer_format: Format }

export function received({ body, headers }: FastifyRequest): Received {
  if (!Buffer.isBuffer(body)) throw new ServiceError('malformed_body', { field: 'the body', found: 'nothing' })
  const format = formatOf(headers['content-type']!)
  return { bytes: body, format, answer_format: acceptedFormat(headers.accept, format) }
}

/** A response's content in the documentation. */
export const both = <T>(schema: T) => ({
  [MEDIA_TYPES.json]: { schema },
  [MEDIA_TYPES.cbor]: { schema },
})
