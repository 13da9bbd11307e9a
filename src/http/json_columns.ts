/**
 * Reads a JSON body of many candidates: the addon reads the large arrays where they stand (native/json_scan.h), JSON.parse
 * the rest, in which a placeholder stands for each array. Where a placeholder then is not found in its array's place (a
 * name that comes twice, or is written with escapes), or an array holds anything unusual, there is no result, and the
 * caller takes the plain way. So this accepts nothing that JSON.parse would not, and reads nothing differently.
 */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { Addon } from '../items/addon.ts'
import type { IdKind } from '../prerank/decode_candidates.ts'
import { isObject } from '../prerank/decode_features.ts'
import { ParsedIds } from '../prerank/parsed_ids.ts'
import type { BodyPool } from './body_pool.ts'

/** `memory` holds the columns: for the pool, when nothing reads them any more. */
export type JsonColumns = { value: unknown; memory: Buffer[] }

export type ReadColumns = (bytes: Buffer, id_kind: IdKind) => JsonColumns | null

/** Numbers that describe one array: pr_json_array in json_scan.h. */
const FIELDS = 6
/** A shorter body is parsed in less time than it takes to look for arrays. */
const BODY_BYTES_MIN = 1024

export function createReadColumns(addon: Addon, pool: BodyPool): ReadColumns {
  // Random, so that no body can hold one.
  const mark = randomUUID()
  const placeholder = (index: number) => `${mark}${index}`

  return (bytes, id_kind) => {
    if (bytes.length < BODY_BYTES_MIN || !isUtf8(bytes)) return null
    const found = addon.jsonFind(bytes)
    const arrays = Array.from({ length: found.length / FIELDS }, (_, index) =>
      found.subarray(index * FIELDS, (index + 1) * FIELDS),
    )
    if (arrays.length === 0) return null
    const value = parseRest(bytes, arrays, placeholder)
    const memory: Buffer[] = []
    const take = (size: number) => memory[memory.push(pool.take(size)) - 1]
    for (const [index, array] of arrays.entries()) {
      const place = placeOf(value, bytes, array)
      if (!place || place.holder[place.name] !== placeholder(index)) return null
      const column = array[0]
        ? readIds({ addon, bytes, array, take }, id_kind)
        : readNumbers({ addon, bytes, array, take })
      if (!column) return null
      place.holder[place.name] = column
    }
    return { value, memory }
  }
}

/** Undefined where it is no JSON: the plain way says why. */
function parseRest(bytes: Buffer, arrays: Uint32Array[], placeholder: (index: number) => string): unknown {
  let text = ''
  let end = 0
  for (const [index, [, from, to]] of arrays.entries()) {
    text += `${bytes.toString('utf8', end, from)}"${placeholder(index)}"`
    end = to
  }
  try {
    return JSON.parse(text + bytes.toString('utf8', end))
  } catch {
    return undefined
  }
}

function placeOf(value: unknown, bytes: Buffer, [is_candidates, , , name_from, name_to]: Uint32Array) {
  if (!isObject(value)) return null
  if (is_candidates) return { holder: value, name: 'candidates' }
  const holder = value.candidate_features
  return isObject(holder) ? { holder, name: bytes.toString('utf8', name_from, name_to) } : null
}

type Column = { addon: Addon; bytes: Buffer; array: Uint32Array; take: (bytes: number) => Buffer }

function readIds({ addon, bytes, array, take }: Column, id_kind: IdKind): ParsedIds | null {
  const count = array[5]
  const memory = take(16 * count)
  const keys = new BigUint64Array(memory.buffer, memory.byteOffset, count)
  const spans = new Uint32Array(memory.buffer, memory.byteOffset + 8 * count, 2 * count)
  return addon.jsonIds(bytes, array, id_kind === 'string', keys, spans) ? new ParsedIds({ keys, spans, bytes }) : null
}

function readNumbers({ addon, bytes, array, take }: Column): Float32Array | null {
  const count = array[5]
  const memory = take(4 * count)
  const numbers = new Float32Array(memory.buffer, memory.byteOffset, count)
  return addon.jsonNumbers(bytes, array, numbers) ? numbers : null
}
