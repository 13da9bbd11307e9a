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

/**
 * From this size on an array may be moved down to the next multiple of 8 in its own memory, by up to the bytes of its head:
 * tag and length take 5 at least, and 7 from 64 KiB on. So only bytes that have been read are overwritten.
 */
const IN_PLACE_BYTES_MIN = 256
const headBytes = (length: number) => (length < 65_536 ? 5 : 7)

/**
 * The array behind a tag; a text says why there is none. Large ones are views of the bytes, which are written to for
 * alignment and byte order; small ones, and those that their head leaves no room for, are copies.
 */
export function typedArrayOf(tag: number, bytes: Buffer, start: number, length: number) {
  const kind = BY_TAG.get(tag)
  if (!kind) return `found tag ${tag}, expected a typed array of integers or floats up to 64 bits (RFC 8746)`
  const width = kind.array.BYTES_PER_ELEMENT
  if (length % width !== 0)
    return `found a typed array of ${length} bytes, expected a multiple of ${width} for tag ${tag}`
  const fits = length >= IN_PLACE_BYTES_MIN && (bytes.byteOffset + start) % 8 <= headBytes(length)
  const own = fits ? aligned(bytes, start, length) : copied(bytes, start, length)
  if (kind.swap) swap(Buffer.from(own.buffer, own.byteOffset, length), width)
  return new kind.array(own.buffer, own.byteOffset, length / width)
}

function copied(bytes: Buffer, start: number, length: number): Uint8Array<ArrayBuffer> {
  const from = bytes.byteOffset + start
  return new Uint8Array(bytes.buffer.slice(from, from + length) as ArrayBuffer)
}

function aligned(bytes: Buffer, start: number, length: number): Uint8Array<ArrayBuffer> {
  const from = bytes.byteOffset + start
  const memory = new Uint8Array(bytes.buffer as ArrayBuffer)
  const to = from - (from % 8)
  if (to !== from) memory.copyWithin(to, from, from + length)
  return memory.subarray(to, to + length)
}

function swap(bytes: Buffer, width: number) {
  if (width === 2) bytes.swap16()
  else if (width === 4) bytes.swap32()
  else bytes.swap64()
}
