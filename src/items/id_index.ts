/** Key → row index of the table: buckets of a cache line, linear probing, rows inserted in order (same input, same bytes). */
import { BUCKET_BYTES, BUCKET_SLOTS, NO_ROW, PROBES_MAX } from './format.ts'
import { firstBucket, indexHash } from './index_hash.ts'

const WORDS = BUCKET_BYTES / 4
const ROW_AT = 2 * BUCKET_SLOTS

export type BuiltIndex = { words: Uint32Array; probes: number } | { rows_of_one_key: [number, number] } | 'full'

/** `full` when a key would stand further than PROBES_MAX buckets from its place: take more buckets. */
export function buildIndex({ keys, buckets }: { keys: BigUint64Array; buckets: number }): BuiltIndex {
  const words = new Uint32Array(buckets * WORDS)
  for (let bucket = 0; bucket < buckets; bucket++) {
    words.fill(NO_ROW, bucket * WORDS + ROW_AT, bucket * WORDS + ROW_AT + BUCKET_SLOTS)
  }
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2)
  let probes_max = 1
  for (let row = 0; row < keys.length; row++) {
    const low = halves[2 * row]
    const high = halves[2 * row + 1]
    let bucket = firstBucket(indexHash(low, high), buckets)
    let probes = 1
    let slot = findSlot(words, bucket, low, high)
    while (slot === -1 && probes < PROBES_MAX) {
      bucket = bucket + 1 === buckets ? 0 : bucket + 1
      probes++
      slot = findSlot(words, bucket, low, high)
    }
    if (slot === -1) return 'full'
    const row_at = bucket * WORDS + ROW_AT + slot
    if (words[row_at] !== NO_ROW) return { rows_of_one_key: [words[row_at], row] }
    words[bucket * WORDS + 2 * slot] = low
    words[bucket * WORDS + 2 * slot + 1] = high
    words[row_at] = row
    if (probes > probes_max) probes_max = probes
  }
  return { words, probes: probes_max }
}

/** The slot that holds the key or is the first free one; −1 in a full bucket of other keys. */
function findSlot(words: Uint32Array, bucket: number, low: number, high: number): number {
  const at = bucket * WORDS
  for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
    if (words[at + ROW_AT + slot] === NO_ROW) return slot
    if (words[at + 2 * slot] === low && words[at + 2 * slot + 1] === high) return slot
  }
  return -1
}

export type IndexView = {
  buckets: number
  probes: number
  rows: number
  /** The words of these buckets, one behind the other. */
  read(buckets: Uint32Array): Uint32Array
}

/** Row of every key, or NO_ROW; a damaged index can give a wrong answer but no row past the table and no endless search. */
export function findRows(index: IndexView, keys: BigUint64Array): Uint32Array {
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2)
  const low = (position: number) => halves[2 * position]
  const high = (position: number) => halves[2 * position + 1]
  const found = new Uint32Array(keys.length).fill(NO_ROW)
  let positions = Uint32Array.from(found.keys())
  let buckets = positions.map((position) => firstBucket(indexHash(low(position), high(position)), index.buckets))
  for (let probe = 0; probe < index.probes && positions.length > 0; probe++) {
    const words = index.read(buckets)
    const isFull = positions.map((position, at) => {
      const slot = findSlot(words, at, low(position), high(position))
      if (slot === -1) return 1
      const row = words[at * WORDS + ROW_AT + slot]
      if (row < index.rows) found[position] = row
      return 0
    })
    positions = positions.filter((_, at) => isFull[at])
    buckets = buckets.filter((_, at) => isFull[at]).map((bucket) => (bucket + 1 === index.buckets ? 0 : bucket + 1))
  }
  return found
}
