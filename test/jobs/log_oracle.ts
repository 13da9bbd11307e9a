/** Counts and sequences of a log in the plainest terms, one event at a time: what the jobs are held to. */
import type { Manifest } from '../../src/bundle/manifest.ts'
import { countKeys, countTokens, encodeCountBlob } from '../../src/features/counts.ts'
import { xxh64 } from '../../src/features/hash.ts'
import { encodeEvents, sequenceKey } from '../../src/features/sequence.ts'

const DAY_MS = 86_400_000

export type LogEvent = {
  time: number
  user: string | null
  query: string
  item: string
  action: string
  country: string | null
}

type Limits = { items_max: number; item_engagements_min: number; engagements_min: number }
type Options = { manifest: Manifest; as_of_ms: number; limits: Limits }

export function expectedBlobs(events: LogEvent[], { manifest, as_of_ms, limits }: Options): Map<string, Uint8Array> {
  const columns = manifest.counts.columns
  const groups = new Map<string, Map<string, { counts: number[]; events: number }>>()
  for (const event of events) {
    const counted = columns.map(({ action, window_days }) => {
      const from_ms = window_days === 0 ? 0 : as_of_ms - Math.trunc(window_days * DAY_MS)
      return event.action === action && event.time >= from_ms && event.time < as_of_ms ? 1 : 0
    })
    if (!counted.includes(1)) continue
    for (const key of keysOf(event, manifest)) {
      const items = groups.get(key) ?? new Map()
      groups.set(key, items)
      const item = items.get(event.item) ?? { counts: columns.map(() => 0), events: 0 }
      items.set(event.item, {
        counts: item.counts.map((n: number, at: number) => n + counted[at]),
        events: item.events + 1,
      })
    }
  }
  const blobs = new Map<string, Uint8Array>()
  for (const [key, items] of groups) {
    const all = [...items].map(([id, item]) => ({
      key: manifest.items.id_kind === 'u64' ? BigInt(id) : xxh64(id),
      ...item,
    }))
    if (all.reduce((sum, item) => sum + item.events, 0) < limits.engagements_min) continue
    const listed = all
      .filter((item) => item.events >= limits.item_engagements_min)
      .sort((a, b) => b.events - a.events || (a.key < b.key ? -1 : 1))
      .slice(0, limits.items_max)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    blobs.set(
      key,
      encodeCountBlob({
        columns: columns.map(({ name }) => name),
        as_of_ms,
        totals: Float64Array.from(columns, (_, at) => all.reduce((sum, item) => sum + item.counts[at], 0)),
        keys: BigUint64Array.from(listed, (item) => item.key),
        counts: Uint32Array.from(columns.flatMap((_, at) => listed.map((item) => item.counts[at]))),
      }),
    )
  }
  return blobs
}

function keysOf({ query, country }: LogEvent, { counts }: Manifest): string[] {
  return counts.segments.flatMap((segment) => {
    if (segment === 'all') return [countKeys.query('all', query)]
    if (segment === 'token') return countTokens(query).map(countKeys.token)
    return country === null ? [] : [countKeys.query(`${segment}=${country}`, query)]
  })
}

/** `events` in the order of the log. */
export function expectedSequences(
  events: LogEvent[],
  { manifest, as_of_ms }: Omit<Options, 'limits'>,
): Map<string, Uint8Array> {
  const users = new Map<string, LogEvent[]>()
  for (const event of events) {
    if (event.user === null || event.time >= as_of_ms || !(event.action in manifest.actions)) continue
    users.set(event.user, [...(users.get(event.user) ?? []), event])
  }
  return new Map(
    [...users].map(([user, mine]) => {
      const newest = mine
        .map((event, line) => ({ event, line }))
        .sort((a, b) => b.event.time - a.event.time || b.line - a.line)
        .slice(0, 100)
        .map(({ event }) => ({
          key: manifest.items.id_kind === 'u64' ? BigInt(event.item) : xxh64(event.item),
          action: manifest.actions[event.action],
          time_ms: event.time,
        }))
      return [sequenceKey(user), encodeEvents(newest)]
    }),
  )
}
