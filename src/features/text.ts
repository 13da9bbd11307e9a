/** Text features (docs/formats.md §2). The trainer has the same functions; test/fixtures/formats holds both to one answer. */
import { SHORT_BYTES_MAX, xxh32, xxh32Short, xxh64 } from './hash.ts'

const QUERY_KEY_BYTES_MAX = 128
const C = 'c'.charCodeAt(0)

export type NgramOptions = {
  /** Buckets of the embedding table, bucket 0 (padding) included. */
  buckets: number
  length: number
  word_ngrams: readonly number[]
  char_ngrams: readonly number[]
}

/** ASCII words with single spaces between, as most queries are: only case can change. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/

export function normalise(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase()
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
  for (const hash of ngramHashes(tokens(text), options)) {
    if (filled === out.length) break
    out[filled++] = 1 + (hash % (options.buckets - 1))
  }
  return out
}

/** The name under which the store keeps what belongs to a query; never empty, without braces, at most 128 bytes. */
export function queryKey(text: string): string {
  const normalised = normalise(text)
  const plain = normalised !== '' && !/[{}]/.test(normalised) && Buffer.byteLength(normalised) <= QUERY_KEY_BYTES_MAX
  return plain ? normalised : `#${xxh64(normalised).toString(16).padStart(16, '0')}`
}

function* ngramHashes(words: string[], options: NgramOptions): Generator<number> {
  for (const n of options.word_ngrams) {
    for (let at = 0; at + n <= words.length; at++) yield xxh32(`w${words.slice(at, at + n).join(' ')}`)
  }
  for (const n of options.char_ngrams) {
    for (const word of words) {
      if (n < SHORT_BYTES_MAX && /^[0-9a-z]+$/.test(word)) {
        yield* asciiHashes(`<${word}>`, n)
        continue
      }
      const points = Array.from(`<${word}>`)
      for (let at = 0; at + n <= points.length; at++) yield xxh32(`c${points.slice(at, at + n).join('')}`)
    }
  }
}

/** Every run of n characters, prefixed `c`: most n-grams of most queries, without a string for each. */
function* asciiHashes(text: string, n: number): Generator<number> {
  const bytes = new Uint8Array(1 + n)
  bytes[0] = C
  for (let at = 0; at + n <= text.length; at++) {
    for (let i = 0; i < n; i++) bytes[1 + i] = text.charCodeAt(at + i)
    yield xxh32Short(bytes, bytes.length)
  }
}
