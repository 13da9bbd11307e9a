/**
 * Live counts (docs/formats.md §6): engagements since the batch build, one hash beside each count blob. Buckets of a day
 * in the fields let a reader leave out what the blob already contains, whichever build that is.
 *
 * A field is a packed event whose time is the start of its day, and its value how often that happened. Without the item key
 * it counts engagements of items that are not listed; the bytes of the day alone hold how many fields of it are.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { LiveHash } from '../store/store.ts'
import { encodeCountBlob, type ParsedCounts, parseCountBlob } from './counts.ts'
import { decodeEvents, type EngagementEvent, EVENT_BYTES, encodeEvents } from './sequence.ts'

export const DAY_MS = 86_400_000
const KEY_BYTES = 8
const UNLISTED_BYTES = EVENT_BYTES - KEY_BYTES
const DAY_BYTES = 6

/** `iqp:all:{red shoes}` → `iqp-live:all:{red shoes}`: in the same slot of a Cluster. */
export const liveKey = (count_key: string): string => count_key.replace(/^iqp:/, 'iqp-live:')

/** The field that counts the event. */
export function liveField(event: EngagementEvent): Uint8Array {
  return encodeEvents([{ ...event, time_ms: dayOf(event.time_ms) }])
}

export function dayOf(time_ms: number): number {
  return time_ms - (time_ms % DAY_MS)
}

/** Names of fields that belong to this one: the count of items that are not listed, and the size of its day. */
export function relatedFields(field: Uint8Array): { unlisted: Uint8Array; day: Uint8Array } {
  return { unlisted: field.subarray(KEY_BYTES), day: field.subarray(KEY_BYTES, KEY_BYTES + DAY_BYTES) }
}

/** The day of a field of any kind. */
export function fieldDay(field: Uint8Array): number {
  return decodeEvents(padded(field)).times_ms[0]
}

export type LiveBlobOptions = {
  columns: Manifest['counts']['columns']
  actions: Manifest['actions']
  /** As-of time of the batch blob: days that began before are in it. */
  since_ms: number
  now_ms: number
}

/** The hash as one more count blob; null where it has nothing to add. */
export function liveBlob(hash: LiveHash, options: LiveBlobOptions): ParsedCounts | null {
  const { columns, actions, since_ms, now_ms } = options
  const entries = entriesOf(hash).filter(({ day_ms }) => day_ms >= since_ms && day_ms <= now_ms)
  const totals = new Float64Array(columns.length)
  const items = new Map<bigint, Uint32Array>()
  for (const { key, action, day_ms, count } of entries) {
    for (const [column, { action: name, window_days }] of columns.entries()) {
      const isOld = window_days > 0 && day_ms < now_ms - window_days * DAY_MS
      if (actions[name] !== action || isOld) continue
      totals[column] += count
      if (key !== null) rowOf(items, key, columns.length)[column] += count
    }
  }
  if (totals.every((total) => total === 0)) return null
  const names = columns.map(({ name }) => name)
  return parseCountBlob(encodeCountBlob({ columns: names, as_of_ms: now_ms, totals, ...sorted(items, columns) }), names)
}

type Entry = { key: bigint | null; action: number; day_ms: number; count: number }

function entriesOf(hash: LiveHash): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < hash.length; at += 2) {
    const field = hash[at]
    if (field.byteLength === DAY_BYTES) continue
    if (field.byteLength !== EVENT_BYTES && field.byteLength !== UNLISTED_BYTES) {
      throw new Error(`live counts: found a field of ${field.byteLength} bytes, expected 16, 8 or 6`)
    }
    const event = decodeEvents(padded(field))
    entries.push({
      key: field.byteLength === EVENT_BYTES ? event.keys[0] : null,
      action: event.actions[0],
      day_ms: event.times_ms[0],
      count: countOf(hash[at + 1]),
    })
  }
  return entries
}

function padded(field: Uint8Array): Uint8Array {
  if (field.byteLength === EVENT_BYTES) return field
  const bytes = new Uint8Array(EVENT_BYTES)
  bytes.set(field, KEY_BYTES)
  return bytes
}

function countOf(value: Uint8Array): number {
  const count = Number(String.fromCharCode(...value))
  if (Number.isInteger(count) && count > 0 && count < 2 ** 32) return count
  throw new Error('live counts: found a value that is not a count, expected an integer from 1 to 2^32 − 1')
}

function rowOf(items: Map<bigint, Uint32Array>, key: bigint, width: number): Uint32Array {
  const row = items.get(key) ?? new Uint32Array(width)
  items.set(key, row)
  return row
}

function sorted(items: Map<bigint, Uint32Array>, columns: readonly unknown[]) {
  const keys = BigUint64Array.from(items.keys()).sort()
  const counts = new Uint32Array(columns.length * keys.length)
  for (const [index, key] of keys.entries()) {
    for (const [column, count] of items.get(key)!.entries()) counts[column * keys.length + index] = count
  }
  return { keys, counts }
}
