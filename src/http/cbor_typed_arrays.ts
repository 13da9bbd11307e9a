/** Typed arrays of RFC 8746: the tag says element type and byte order. */
import { endianness } from 'node:os'

type TypedArrayConstructor =
  | typeof Uint8Array
  | typeof Uint16Array
  | typeof Uint32Array
  | typeof BigUint64Array
  | typeof Int8Array
  | typeof Int16Array
  | typeof Int32Array
  | typeof BigInt64Array
  | typeof Float16Array
  | typeof Float32Array
  | typeof Float64Array

/** [big endian, little endian, array]; one-byte elements have no order. */
const KINDS: [number, number, TypedArrayConstructor][] = [
  [64, 64, Uint8Array],
  [65, 69, Uint16Array],
  [66, 70, Uint32Array],
  [67, 71, BigUint64Array],
  [72, 72, Int8Array],
  [73, 77, Int16Array],
  [74, 78, Int32Array],
  [75, 79, BigInt64Array],
  [80, 84, Float16Array],
  [81, 85, Float32Array],
  [82, 86, Float64Array],
]

const HOST_LITTLE = endianness() === 'LE'
const BY_TAG = new Map(
  KINDS.flatMap(([big, little, array]) => [
    [big, { array, swap: HOST_LITTLE && big !== little }],
    [little, { array, swap: !HOST_LITTLE && big !== little }],
  ]),
)

/** The array behind a tag, a copy of the bytes; a text says why there is none. */
export function typedArrayOf(tag: number, bytes: Buffer, start: number, length: number) {
  const kind = BY_TAG.get(tag)
  if (!kind) return `found tag ${tag}, expected a typed array of integers or floats up to 64 bits (RFC 8746)`
  const width = kind.array.BYTES_PER_ELEMENT
  if (length % width !== 0)
    return `found a typed array of ${length} bytes, expected a multiple of ${width} for tag ${tag}`
  const from = bytes.byteOffset + start
  const copy = bytes.buffer.slice(from, from + length) as ArrayBuffer
  if (kind.swap) swap(Buffer.from(copy), width)
  return new kind.array(copy)
}

function swap(bytes: Buffer, width: number) {
  if (width === 2) bytes.swap16()
  else if (width === 4) bytes.swap32()
  else bytes.swap64()
}
