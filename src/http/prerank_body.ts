/** Bytes of a prerank request → the request, and what its answer needs of the body. */

import { ServiceError } from '../errors.ts'
import type { Addon } from '../items/addon.ts'
import type { Accepted } from '../prerank/accepted.ts'
import type { CheckedBody } from '../prerank/body.ts'
import { createDecode, type DecodeLimits } from '../prerank/decode.ts'
import type { PrerankRequest } from '../prerank/request.ts'
import type { BodyPool } from './body_pool.ts'
import { type Format, readBytes } from './formats.ts'
import { createReadColumns } from './json_columns.ts'

export type PrerankBody = {
  body: CheckedBody
  decoded: PrerankRequest
  /** What request and body are views of: for the pool, when nothing reads them any more. */
  memory: Buffer[]
}

export type ReadPrerank = (bytes: Buffer, format: Format, accepted: Accepted) => PrerankBody

export function createReadPrerank(addon: Addon | null, options: { limits: DecodeLimits; pool: BodyPool }): ReadPrerank {
  const decode = createDecode(options.limits)
  const readColumns = addon && createReadColumns(addon, options.pool)

  /** Memory for the rows comes from the pool too. */
  function decodeInto(memory: Buffer[], body: CheckedBody, accepted: Accepted): PrerankBody {
    const decoded = decode(body, accepted)
    const { candidates } = decoded
    if ('keys' in candidates) {
      const { length } = candidates.keys
      const rows = options.pool.take(4 * length)
      candidates.rows = new Uint32Array(rows.buffer, rows.byteOffset, length)
      memory.push(rows)
    }
    return { body, decoded, memory }
  }

  const plain = (bytes: Buffer, format: Format, accepted: Accepted) =>
    decodeInto([bytes], readBytes(bytes, format) as CheckedBody, accepted)

  function columns(bytes: Buffer, accepted: Accepted): PrerankBody | null {
    const read = readColumns?.(bytes, accepted.id_kind)
    if (!read) return null
    try {
      return decodeInto([bytes, ...read.memory], read.value as CheckedBody, accepted)
    } catch (error) {
      // The plain way says it in terms of what was sent.
      if (error instanceof ServiceError) return null
      throw error
    }
  }

  return (bytes, format, accepted) => (format === 'json' && columns(bytes, accepted)) || plain(bytes, format, accepted)
}
