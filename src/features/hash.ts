/** XXH32 and XXH64 with seed 0: the project's only non-cryptographic hashes (docs/formats.md §1). */
import xxhash from 'xxhash-wasm'

const wasm = await xxhash()

/** A string is hashed as its UTF-8 bytes; a lone surrogate counts as U+FFFD. */
export function xxh32(input: Uint8Array | string): number {
  return typeof input === 'string' ? wasm.h32(input) : wasm.h32Raw(input)
}

export function xxh64(input: Uint8Array | string): bigint {
  return typeof input === 'string' ? wasm.h64(input) : wasm.h64Raw(input)
}

const PRIME_1 = 0x9e3779b1
const PRIME_2 = 0x85ebca77
const PRIME_3 = 0xc2b2ae3d
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1
/** From here on XXH32 reads stripes first. */
export const SHORT_BYTES_MAX = 15

/** XXH32 of the first `length` bytes, at most SHORT_BYTES_MAX: n-grams are short, and a call into wasm takes several times as long. */
export function xxh32Short(bytes: Uint8Array, length: number): number {
  let hash = (PRIME_5 + length) | 0
  let at = 0
  for (; at + 4 <= length; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    hash = Math.imul(rotate(hash + Math.imul(word, PRIME_3), 17), PRIME_4)
  }
  for (; at < length; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at], PRIME_5), 11), PRIME_1)
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

const rotate = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits))
