/**
 * Engagements in this process's memory, by the rules of scripts.ts: what they changed lies over the bundle's snapshots.
 * Bounded in bytes, the key that was written longest ago out first.
 */
import { LIVE_FIELD_BYTES, LIVE_RECORD_BYTES, unlistedField } from '../features/live_counts.ts'
import { decodeEvents, EVENT_BYTES, SEQUENCE_EVENTS_MAX, timeOf } from '../features/sequence.ts'
import { StoreError, type StoreWrite, type WriteLimits, type WriteOptions, type Written } from './store.ts'
import { firstDay, liveTtl } from './write_rules.ts'

/** Measured, with room for a Map that has just grown: objects of a key, a remembered id, a field or day. */
const KEY_BYTES = 1024
const ID_BYTES = 128
const FIELD_BYTES = 96

type Entry = {
  /** What it takes, as counted when it was last written. */
  bytes: number
  expires_ms: number
  /** Event id → time of arrival, oldest first. */
  seen: Map<string, number>
  sequence: Uint8Array | null
  /** Field → count, and day → items that it lists. */
  live: Map<string, number>
  days: Map<number, number>
}

export type EmbeddedWrites = {
  /** Undefined where engagements have not changed it. */
  sequence(key: string): Uint8Array | undefined
  live(key: string): Uint8Array | null
  /** `stored`: the sequence that is there before the first write. */
  write(write: StoreWrite, options: WriteOptions, stored: (key: string) => Uint8Array | null): Written[] | StoreError
}

/** May outlive the snapshots that it lies over: with the next ones the same users are still known. */
export function createEmbeddedWrites({ bytes_max }: { bytes_max: number }, now = Date.now): EmbeddedWrites {
  const entries = new Map<string, Entry>()
  let bytes = 0

  function find(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry && entry.expires_ms > now() ? entry : undefined
  }

  function remove(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  function keep(key: string, entry: Entry): void {
    remove(key)
    entry.bytes = bytesOf(key, entry)
    entries.set(key, entry)
    bytes += entry.bytes
    for (const oldest of entries.keys()) {
      if (bytes <= bytes_max) break
      remove(oldest)
    }
  }

  return {
    sequence: (key) => find(key)?.sequence ?? undefined,
    live(key) {
      const live = find(key)?.live
      return live && live.size > 0 ? pack(live) : null
    },
    write(write, { now_ms, limits }, stored) {
      const entry = find(write.key) ?? {
        bytes: 0,
        expires_ms: 0,
        seen: new Map(),
        sequence: null,
        live: new Map(),
        days: new Map(),
      }
      try {
        const apply =
          write.kind === 'sequence'
            ? inserter(entry, entry.sequence ?? stored(write.key) ?? new Uint8Array())
            : counter(entry, limits, now_ms)
        const written = write.events.map(({ id, value }) =>
          isNew(entry.seen, id, now_ms) ? apply(value) : 'duplicate',
        )
        forgetIds(entry.seen, (_, time_ms) => time_ms <= now_ms - limits.ids_ttl_ms)
        forgetIds(entry.seen, () => entry.seen.size > limits.ids_max)
        entry.expires_ms = now_ms + (write.kind === 'sequence' ? limits.sequence_ttl_ms : liveTtl(limits))
        keep(write.key, entry)
        return written
      } catch (error) {
        return new StoreError('nonsense', (error as Error).message, { cause: error })
      }
    },
  }
}

function bytesOf(key: string, { seen, sequence, live, days }: Entry): number {
  const fixed = KEY_BYTES + 2 * key.length + (sequence?.byteLength ?? 0)
  return fixed + ID_BYTES * seen.size + FIELD_BYTES * (live.size + days.size)
}

const fieldName = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const fieldBytes = (field: string) => Buffer.from(field, 'latin1')

function isNew(seen: Map<string, number>, id: Uint8Array, now_ms: number): boolean {
  const name = fieldName(id)
  if (seen.has(name)) return false
  seen.set(name, now_ms)
  return true
}

/** From the oldest on, as long as it holds. */
function forgetIds(seen: Map<string, number>, isOld: (id: string, time_ms: number) => boolean): void {
  for (const [id, time_ms] of seen) {
    if (!isOld(id, time_ms)) break
    seen.delete(id)
  }
}

/** Throws where the sequence so far is not one. */
function inserter(entry: Entry, sequence: Uint8Array): (event: Uint8Array) => Written {
  const times_ms = [...decodeEvents(sequence).times_ms]
  const events = times_ms.map((_, index) => sequence.subarray(index * EVENT_BYTES, (index + 1) * EVENT_BYTES))
  return (event) => {
    const time_ms = timeOf(event)
    const older = times_ms.findIndex((other_ms) => other_ms <= time_ms)
    const at = older < 0 ? events.length : older
    events.splice(at, 0, event)
    times_ms.splice(at, 0, time_ms)
    entry.sequence = new Uint8Array(Buffer.concat(events.slice(0, SEQUENCE_EVENTS_MAX)))
    return at === 0 ? 'applied' : 'out_of_order'
  }
}

function counter(entry: Entry, limits: WriteLimits, now_ms: number): (field: Uint8Array) => Written {
  const { live, days } = entry
  const add = (field: Uint8Array) => live.set(fieldName(field), (live.get(fieldName(field)) ?? 0) + 1)
  return (field) => {
    const day_ms = timeOf(field)
    if (!days.has(day_ms)) forgetDays(entry, firstDay(limits, now_ms))
    const listed = days.get(day_ms) ?? 0
    if (live.has(fieldName(field))) add(field)
    else if (listed < limits.live_items_max) {
      add(field)
      days.set(day_ms, listed + 1)
    } else add(unlistedField(field))
    return 'applied'
  }
}

function forgetDays({ live, days }: Entry, first_day_ms: number): void {
  for (const day_ms of days.keys()) if (day_ms < first_day_ms) days.delete(day_ms)
  for (const name of live.keys()) if (timeOf(fieldBytes(name)) < first_day_ms) live.delete(name)
}

function pack(live: ReadonlyMap<string, number>): Uint8Array {
  const bytes = new Uint8Array(live.size * LIVE_RECORD_BYTES)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [name, count] of live) {
    bytes.set(fieldBytes(name), at)
    view.setUint32(at + LIVE_FIELD_BYTES, count, true)
    at += LIVE_RECORD_BYTES
  }
  return bytes
}
