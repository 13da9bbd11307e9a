/**
 * Live counts (docs/formats.md §6): engagements since the batch build, beside each count blob. A day is part of every
 * record, so that a reader can leave out what the blob already contains, whichever build that is.
 *
 * A record is a field and a u32, how often it happened. The field is a packed event whose time is the start of its day; with
 * the byte of bits 48–55 at 1 and the item key at 0 it stands for all items that are not listed. One string, in the order of
 * arrival: a read is one reply, like that of a count blob (six hashes of a thousand fields took 14 ms, six of these take 4).
 */
import type { Manifest } from '../bundle/manifest.ts'
import { encodeCountBlob, type ParsedCounts, parseCountBlob } from './counts.ts'
import { type EngagementEvent, EVENT_BYTES, encodeEvents } from './sequence.ts'

export const DAY_MS = 86_400_000
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

export function dayOf(time_ms: number): number {
  return time_ms - (time_ms % DAY_MS)
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
  const feeds = columnsByAction(options)
  const totals = new Float64Array(columns.length)
  const items = new Map<bigint, Uint32Array>()
  for (const { key, action, day_ms, count } of records(bytes)) {
    if (day_ms < since_ms || day_ms > now_ms) continue
    for (const { column, first_ms } of feeds.get(action) ?? []) {
      if (day_ms < first_ms) continue
      totals[column] += count
      if (key !== null) rowOf(items, key, columns.length)[column] += count
    }
  }
  if (totals.every((total) => total === 0)) return null
  const names = columns.map(({ name }) => name)
  const blob = encodeCountBlob({ columns: names, as_of_ms: now_ms, totals, ...sorted(items, columns.length) })
  return parseCountBlob(blob, names)
}

/** Action code → its columns, and where their windows begin. */
function columnsByAction({ columns, actions, now_ms }: LiveBlobOptions) {
  const feeds = columns.map(({ action, window_days }, column) => ({
    code: actions[action],
    column,
    first_ms: window_days > 0 ? now_ms - window_days * DAY_MS : 0,
  }))
  return Map.groupBy(feeds, ({ code }) => code)
}

/** `key` is null for items that are not listed. */
function* records(bytes: Uint8Array) {
  if (bytes.byteLength % LIVE_RECORD_BYTES !== 0) {
    throw new Error(`live counts: found ${bytes.byteLength} bytes, expected a multiple of ${LIVE_RECORD_BYTES}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.byteLength; at += LIVE_RECORD_BYTES) {
    yield {
      key: bytes[at + LISTED_AT] === 0 ? view.getBigUint64(at, true) : null,
      action: bytes[at + LISTED_AT + 1],
      day_ms: view.getUint32(at + KEY_BYTES, true) + view.getUint16(at + KEY_BYTES + 4, true) * 2 ** 32,
      count: view.getUint32(at + LIVE_FIELD_BYTES, true),
    }
  }
}

function rowOf(items: Map<bigint, Uint32Array>, key: bigint, width: number): Uint32Array {
  const row = items.get(key) ?? new Uint32Array(width)
  items.set(key, row)
  return row
}

function sorted(items: Map<bigint, Uint32Array>, width: number) {
  const keys = BigUint64Array.from(items.keys()).sort()
  const counts = new Uint32Array(width * keys.length)
  for (const [index, key] of keys.entries()) {
    for (const [column, count] of items.get(key)!.entries()) counts[column * keys.length + index] = count
  }
  return { keys, counts }
}
