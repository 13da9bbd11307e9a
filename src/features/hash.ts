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
