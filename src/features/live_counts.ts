/**
 * Live counts (docs/formats.md §6): engagements since the batch build, beside each count blob. A day is part of every
 * record, so that a reader can leave out what the blob already contains, whichever build that is.
 *
 * A record is a field and a u32, how often it happened. The field is a packed event whose time is the start of its day; with
 * the byte of bits 48–55 at 1 and the item key at 0 it stands for all items that are not listed. One string, in the order of
 * arrival: a read is one reply, like that of a count blob (six hashes of a thousand fields took 14 ms, six of these take 4).
 */
import type { Manifest } from '../bundle/manifest.ts'
import { DAY_MS, dayOf } from '../day.ts'
import { type ParsedCounts, packCounts } from './counts.ts'
import { type EngagementEvent, EVENT_BYTES, encodeEvents } from './sequence.ts'

export const LIVE_FIELD_BYTES = EVENT_BYTES
export const LIVE_RECORD_BYTES = LIVE_FIELD_BYTES + 4
const KEY_BYTES = 8
const LISTED_AT = 14

/** `iqp:all:{red shoes}` → `iqp-live:all:{red shoes}`: in the same slot of a Cluster. */
export const liveKey = (count_key: string): string => count_key.replace(/^iqp:/, 'iqp-live:')

/** The field that counts the event. */
export function liveField(event: EngagementEvent): Uint8Array {
  return encodeEvents([{ ...event, time_ms: dayOf(event.time_ms) }])
}

/** The field that counts the event where its item is not listed. */
export function unlistedField(field: Uint8Array): Uint8Array {
  const unlisted = new Uint8Array(field)
  unlisted.fill(0, 0, KEY_BYTES)
  unlisted[LISTED_AT] = 1
  return unlisted
}

export type LiveBlobOptions = {
  columns: Manifest['counts']['columns']
  actions: Manifest['actions']
  /** As-of time of the batch blob: days that began before are in it. */
  since_ms: number
  now_ms: number
}

/** The records as one more count blob; null where they have nothing to add. */
export function liveBlob(bytes: Uint8Array, options: LiveBlobOptions): ParsedCounts | null {
  const { columns, since_ms, now_ms } = options
  const words = wordsOf(bytes)
  const feeds = columnsByAction(options)
  const totals = new Float64Array(columns.length)
  const listed: number[] = []
  for (let at = 0; at < words.length; at += RECORD_WORDS) {
    const day_ms = dayAt(words, at)
    if (day_ms < since_ms || day_ms > now_ms) continue
    let counts = false
    for (const { column, first_ms } of feeds[actionAt(words, at)] ?? []) {
      if (day_ms < first_ms) continue
      totals[column] += words[at + COUNT_WORD]
      counts = true
    }
    if (counts && isListed(words, at)) listed.push(at)
  }
  if (totals.every((total) => total === 0)) return null
  const names = columns.map(({ name }) => name)
  const items = countItems(words, { listed, feeds, totals })
  return packCounts({ columns: names, as_of_ms: now_ms, totals, ...items })
}

type Feed = { column: number; first_ms: number }

/** Action code → its columns, and where their windows begin. */
function columnsByAction({ columns, actions, now_ms }: LiveBlobOptions): Feed[][] {
  const feeds: Feed[][] = []
  for (const [column, { action, window_days }] of columns.entries()) {
    const first_ms = window_days > 0 ? now_ms - window_days * DAY_MS : 0
    const code = actions[action]
    feeds[code] = [...(feeds[code] ?? []), { column, first_ms }]
  }
  return feeds
}

/**
 * A record is five words: key (low, high), day (low; high beside the two bytes of `listed` and action), count. Numbers, because
 * a BigInt or an object per record made this the most expensive step of reading features.
 */
const RECORD_WORDS = LIVE_RECORD_BYTES / 4
const COUNT_WORD = LIVE_FIELD_BYTES / 4
const dayAt = (words: Uint32Array, at: number) => words[at + 2] + (words[at + 3] & 0xffff) * 2 ** 32
const isListed = (words: Uint32Array, at: number) => (words[at + 3] & 0xff0000) === 0
const actionAt = (words: Uint32Array, at: number) => words[at + 3] >>> 24

function wordsOf(bytes: Uint8Array): Uint32Array {
  if (bytes.byteLength % LIVE_RECORD_BYTES !== 0) {
    throw new Error(`live counts: found ${bytes.byteLength} bytes, expected a multiple of ${LIVE_RECORD_BYTES}`)
  }
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}

type Listed = { listed: number[]; feeds: Feed[][]; totals: Float64Array }

/** Items ascending by key, and what each counts in every column. */
function countItems(words: Uint32Array, { listed, feeds, totals }: Listed): Pick<ParsedCounts, 'keys' | 'counts'> {
  listed.sort((a, b) => words[a + 1] - words[b + 1] || words[a] - words[b])
  const starts = listed.filter((at, index) => index === 0 || !sameKey(words, at, listed[index - 1]))
  const keys = new BigUint64Array(starts.length)
  const halves = new Uint32Array(keys.buffer)
  for (const [item, at] of starts.entries()) {
    halves[2 * item] = words[at]
    halves[2 * item + 1] = words[at + 1]
  }
  const counts = new Uint32Array(totals.length * starts.length)
  let item = 0
  for (const at of listed) {
    if (!sameKey(words, at, starts[item])) item++
    const day_ms = dayAt(words, at)
    for (const { column, first_ms } of feeds[actionAt(words, at)]) {
      if (day_ms >= first_ms) counts[column * starts.length + item] += words[at + COUNT_WORD]
    }
  }
  return { keys, counts }
}

function sameKey(words: Uint32Array, a: number, b: number): boolean {
  return words[a] === words[b] && words[a + 1] === words[b + 1]
}
