/**
 * Strict CBOR reader (RFC 8949) with typed arrays (RFC 8746), for bodies that anyone may send. It accepts what JSON can say
 * plus numeric typed arrays, definite or indefinite lengths, and refuses the rest: other tags, untagged byte strings,
 * duplicate or non-text keys, invalid UTF-8, deep nesting, trailing bytes. No length is trusted before the bytes are there.
 *
 * Rejected: decoding with cbor-x. It follows dates, sets, records, packed tables and shared references, keeps its state in
 * module variables, and hands out the same value many times over where a body of a few bytes asks for it.
 */
import { isUtf8 } from 'node:buffer'
import { typedArrayOf } from './cbor_typed_arrays.ts'

const DEPTH_MAX = 16
const INDEFINITE = -1
const BREAK = Symbol('break')

/** `latin1` is the whole body as text, made for the first text in an array (`arrayText`). */
type State = { bytes: Buffer; view: DataView; position: number; latin1: string }

/** Errors name the byte at which reading stopped. */
export class CborError extends Error {
  readonly position: number
  constructor(message: string, position: number) {
    super(`${message} at byte ${position}`)
    this.name = 'CborError'
    this.position = position
  }
}

/** Takes the bytes over: large typed arrays are views of them (see cbor_typed_arrays.ts). */
export function readCbor(bytes: Buffer): unknown {
  const state = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), position: 0, latin1: '' }
  const value = readValue(state, 0)
  if (value === BREAK) throw new CborError('found a break outside an indefinite-length item', 0)
  if (state.position !== bytes.length) throw new CborError('found bytes after the end of the item', state.position)
  return value
}

function readValue(state: State, depth: number): unknown {
  const start = state.position
  const initial = take(state, 1)
  const major = state.bytes[initial] >> 5
  const info = state.bytes[initial] & 0x1f
  if (major === 7) return readSimple(state, info, start)
  const length = readArgument(state, info, start)
  if (typeof length === 'bigint') {
    if (major === 0) return length
    if (major === 1) return -1n - length
    throw new CborError('found a length over 2^53', start)
  }
  if (length === INDEFINITE && (major < 2 || major === 6))
    throw new CborError('found an integer without a value', start)
  if (major === 0) return length
  if (major === 1) return -1 - length
  if (major === 3) return readText(state, length, start)
  if (major === 6) return readTagged(state, length, start)
  if (major === 2) throw new CborError('found a byte string without a typed-array tag', start)
  if (depth >= DEPTH_MAX) throw new CborError(`found nesting deeper than ${DEPTH_MAX}`, start)
  return major === 4 ? readArray(state, length, depth) : readMap(state, length, depth)
}

/** Moves past `count` bytes and returns where they start. */
function take(state: State, count: number): number {
  const start = state.position
  if (count > state.bytes.length - start) {
    throw new CborError(`found the end of the body, expected ${count} more byte(s)`, start)
  }
  state.position = start + count
  return start
}

function readArgument(state: State, info: number, start: number): number | bigint {
  if (info < 24) return info
  if (info === 24) return state.bytes[take(state, 1)]
  if (info === 25) return state.view.getUint16(take(state, 2))
  if (info === 26) return state.view.getUint32(take(state, 4))
  if (info === 27) {
    const wide = state.view.getBigUint64(take(state, 8))
    return wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide
  }
  if (info === 31) return INDEFINITE
  throw new CborError('found a reserved length', start)
}

function readSimple(state: State, info: number, start: number): unknown {
  if (info === 20) return false
  if (info === 21) return true
  if (info === 22) return null
  if (info === 25) return state.view.getFloat16(take(state, 2))
  if (info === 26) return state.view.getFloat32(take(state, 4))
  if (info === 27) return state.view.getFloat64(take(state, 8))
  if (info === 31) return BREAK
  throw new CborError('found a simple value other than false, true and null', start)
}

function readText(state: State, length: number, start: number): string {
  if (length !== INDEFINITE) return utf8(state, take(state, length), length)
  let text = ''
  for (;;) {
    const at = state.position
    const initial = state.bytes[take(state, 1)]
    if (initial === 0xff) return text
    const chunk = readArgument(state, initial & 0x1f, at)
    if (initial >> 5 !== 3 || typeof chunk !== 'number' || chunk === INDEFINITE) {
      throw new CborError('found a wrong chunk in a text', start)
    }
    text += utf8(state, take(state, chunk), chunk)
  }
}

function utf8(state: State, start: number, length: number): string {
  const bytes = state.bytes.subarray(start, start + length)
  if (!isUtf8(bytes)) throw new CborError('found a text that is not UTF-8', start)
  return bytes.toString('utf8')
}

function readArray(state: State, length: number, depth: number): unknown[] {
  const values: unknown[] = []
  if (length > state.bytes.length - state.position) {
    throw new CborError(`found the end of the body inside an array of ${length} items`, state.position)
  }
  for (let index = 0; index !== length; index++) {
    const value = arrayText(state) ?? readValue(state, depth + 1)
    if (value === BREAK) return endOf(values, length, state)
    values.push(value)
  }
  return values
}

/**
 * The short ASCII text that comes next, or null. A hundred thousand ids as slices of one string take a quarter of the time
 * of as many calls into the decoder. Slices keep the whole body alive, so this is for arrays only: ids go with their request.
 */
function arrayText(state: State): string | null {
  const { bytes, position } = state
  const initial = bytes[position]
  const start = initial === 0x78 ? position + 2 : position + 1
  const length = initial === 0x78 ? bytes[position + 1] : initial - 0x60
  const end = start + length
  if (initial < 0x60 || initial > 0x78 || !(end <= bytes.length)) return null
  for (let at = start; at < end; at++) if (bytes[at] > 0x7f) return null
  if (state.latin1 === '') state.latin1 = bytes.toString('latin1')
  state.position = end
  return state.latin1.slice(start, end)
}

function readMap(state: State, length: number, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (let index = 0; index !== length; index++) {
    const at = state.position
    const key = readValue(state, depth + 1)
    if (key === BREAK) return endOf(map, length, state)
    if (typeof key !== 'string') throw new CborError('found a map key that is not a text', at)
    if (Object.hasOwn(map, key)) throw new CborError(`found the map key ${JSON.stringify(key.slice(0, 40))} twice`, at)
    const value = readValue(state, depth + 1)
    if (value === BREAK) throw new CborError('found a map key without a value', at)
    // An assignment would call the setter of `__proto__`.
    if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true })
    else map[key] = value
  }
  return map
}

function endOf<T>(items: T, length: number, state: State): T {
  if (length !== INDEFINITE) throw new CborError('found a break outside an indefinite-length item', state.position - 1)
  return items
}

function readTagged(state: State, tag: number, start: number): unknown {
  const at = state.position
  const initial = state.bytes[take(state, 1)]
  const length = readArgument(state, initial & 0x1f, at)
  if (initial >> 5 !== 2 || typeof length !== 'number' || length === INDEFINITE) {
    throw new CborError(`found tag ${tag} before something that is not a byte string of definite length`, start)
  }
  const array = typedArrayOf(tag, state.bytes, take(state, length), length)
  if (typeof array === 'string') throw new CborError(array, start)
  return array
}
