/** Text features (docs/formats.md §2). The trainer has the same functions; test/fixtures/formats holds both to one answer. */
import { xxh32, xxh64 } from './hash.ts'

const QUERY_KEY_BYTES_MAX = 128

export type NgramOptions = {
  /** Buckets of the embedding table, bucket 0 (padding) included. */
  buckets: number
  length: number
  word_ngrams: readonly number[]
  char_ngrams: readonly number[]
}

export function normalise(text: string): string {
  return text
    .toWellFormed()
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{White_Space}+/gu, ' ')
    .replace(/^ | $/g, '')
}

export function tokens(text: string): string[] {
  return normalise(text).match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
}

/** Hashed n-gram buckets of the text, zero-padded to `options.length`. */
export function textNgrams(text: string, options: NgramOptions): Int32Array {
  const out = new Int32Array(options.length)
  let filled = 0
  for (const feature of ngrams(tokens(text), options)) {
    if (filled === out.length) break
    out[filled++] = 1 + (xxh32(feature) % (options.buckets - 1))
  }
  return out
}

/** The name under which the store keeps what belongs to a query; never empty, without braces, at most 128 bytes. */
export function queryKey(text: string): string {
  const normalised = normalise(text)
  const plain = normalised !== '' && !/[{}]/.test(normalised) && Buffer.byteLength(normalised) <= QUERY_KEY_BYTES_MAX
  return plain ? normalised : `#${xxh64(normalised).toString(16).padStart(16, '0')}`
}

function* ngrams(words: string[], options: NgramOptions): Generator<string> {
  for (const n of options.word_ngrams) {
    for (let at = 0; at + n <= words.length; at++) yield `w${words.slice(at, at + n).join(' ')}`
  }
  for (const n of options.char_ngrams) {
    for (const word of words) {
      const points = Array.from(`<${word}>`)
      for (let at = 0; at + n <= points.length; at++) yield `c${points.slice(at, at + n).join('')}`
    }
  }
}
