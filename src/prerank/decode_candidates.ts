/**
 * Ids and per-candidate columns from a body: one pass each over up to a hundred thousand elements, no allocation inside.
 * An error names the element (`candidates[17]`).
 */
import { invalidField, ServiceError } from '../errors.ts'
import { isTowerNumber, TOWER_NUMBER } from '../features/tower_number.ts'
import { ID_LENGTH_MAX } from './body.ts'
import { ParsedIds } from './parsed_ids.ts'
import type { Candidates } from './request.ts'

export type IdKind = 'u64' | 'string'
type IdOptions = { field: string; id_kind: IdKind; count_max: number }

const UINT32 = 2 ** 32
const MAX_U64 = 2n ** 64n - 1n
const DECIMAL = /^(0|[1-9]\d{0,19})$/

const EXPECTED_IDS = {
  u64: 'an array of integers or decimal texts, or a typed array of unsigned integers',
  string: 'an array of texts, or a typed array of unsigned integers (item keys)',
}
const EXPECTED_ID = {
  u64: 'an integer from 0 to 2^53 − 1, or a decimal text up to 2^64 − 1 without leading zeros',
  string: `a text of 1 to ${ID_LENGTH_MAX} characters`,
}

export function decodeIds(value: unknown, { field, id_kind, count_max }: IdOptions): Candidates {
  if (value === undefined) throw new ServiceError('missing_field', { field, expected: EXPECTED_IDS[id_kind] })
  const isParsed = value instanceof ParsedIds
  const isKeys = isUnsigned(value)
  if (!isParsed && !isKeys && !Array.isArray(value)) throw invalidField(field, value, EXPECTED_IDS[id_kind])
  if (value.length === 0) throw invalidField(field, value, 'at least one id')
  if (value.length > count_max) {
    throw new ServiceError('too_many_candidates', {
      field,
      found: `${value.length} ids`,
      expected: `at most ${count_max}`,
    })
  }
  if (isParsed) return { keys: value.keys }
  if (isKeys) return { keys: widen(value) }
  return id_kind === 'u64' ? { keys: parseKeys(value, field) } : { ids: checkIds(value, field) }
}

type Unsigned = Uint8Array | Uint16Array | Uint32Array | BigUint64Array

const isUnsigned = (value: unknown): value is Unsigned =>
  value instanceof BigUint64Array ||
  value instanceof Uint32Array ||
  value instanceof Uint16Array ||
  value instanceof Uint8Array

function widen(values: Unsigned): BigUint64Array {
  if (values instanceof BigUint64Array) return values
  const keys = new BigUint64Array(values.length)
  const halves = new Uint32Array(keys.buffer)
  for (let index = 0; index < values.length; index++) halves[2 * index] = values[index]
  return keys
}

/** A key is written as two halves: a BigInt per id would cost more than everything else here. */
function parseKeys(values: unknown[], field: string): BigUint64Array {
  const keys = new BigUint64Array(values.length)
  const halves = new Uint32Array(keys.buffer)
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) {
      halves[2 * index] = value
      halves[2 * index + 1] = value / UINT32
    } else {
      keys[index] = parseKey(value, `${field}[${index}]`)
    }
  }
  return keys
}

/** The item key of one id that is not a small integer: decimal text, or a wide CBOR integer. */
export function parseKey(value: unknown, field: string): bigint {
  if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) return BigInt(value)
  const key = typeof value === 'string' && DECIMAL.test(value) ? BigInt(value) : value
  if (typeof key === 'bigint' && key >= 0n && key <= MAX_U64) return key
  throw invalidField(field, value, EXPECTED_ID.u64)
}

function checkIds(values: unknown[], field: string): string[] {
  for (let index = 0; index < values.length; index++) {
    if (!isText(values[index])) throw invalidField(`${field}[${index}]`, values[index], EXPECTED_ID.string)
  }
  return values as string[]
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= ID_LENGTH_MAX

/** One id that stands outside of the candidates. */
export function assertId(value: unknown, field: string, id_kind: IdKind): void {
  if (id_kind === 'u64') parseKey(value, field)
  else if (!isText(value)) throw invalidField(field, value, EXPECTED_ID.string)
}

type NumbersOptions = {
  field: string
  length: number
  /** Caller columns: null (NaN in a typed array) is missing, and any other number has a meaning. Towers take less. */
  nullable: boolean
}

/** Numbers as float32. */
export function decodeNumbers(value: unknown, options: NumbersOptions): Float32Array {
  const { field, length } = options
  if (!Array.isArray(value) && !isNumeric(value)) throw invalidField(field, value, `an array of ${length} numbers`)
  if (value.length !== length) throw invalidField(field, value, `${length} numbers`)
  if (value instanceof Float32Array && options.nullable) return value
  return toFloats(value, options)
}

type Numeric =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Exclude<Unsigned, BigUint64Array>

const isNumeric = (value: unknown): value is Numeric =>
  ArrayBuffer.isView(value) &&
  !(value instanceof DataView || value instanceof BigUint64Array || value instanceof BigInt64Array)

function toFloats(values: ArrayLike<unknown>, { field, nullable }: NumbersOptions): Float32Array {
  const floats = new Float32Array(values.length)
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (nullable ? typeof value === 'number' : isTowerNumber(value)) floats[index] = value as number
    else if (value === null && nullable) floats[index] = Number.NaN
    else throw invalidField(`${field}[${index}]`, value, nullable ? 'a number or null' : TOWER_NUMBER)
  }
  return floats
}
