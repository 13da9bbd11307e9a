/**
 * What engagements change in the store: the write side of plan.ts. The same segments, keys and codecs, so that what is
 * written is what the next request reads.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { Engagement } from '../engagements/engagement.ts'
import type { StoreWrite } from '../store/store.ts'
import { contextValue, isPlainSegment } from './context.ts'
import { xxh64 } from './hash.ts'
import { liveField, liveKey } from './live_counts.ts'
import { neededSegments, readsSequence, segmentKeys } from './plan.ts'
import { encodeEvents, sequenceKey } from './sequence.ts'

/** A write, and which of the engagements its events are. */
export type PlannedWrite = StoreWrite & { engagements: number[] }

type WrittenEvent = StoreWrite['events'][number]

/** One write per key; events of a key are in the order of their times, so that a batch may come in any order. */
export function planWrites(manifest: Manifest, engagements: readonly Engagement[]): PlannedWrite[] {
  const writes = new Map<string, PlannedWrite & { events: WrittenEvent[] }>()
  const inOrder = engagements
    .map((event, index) => ({ event, index }))
    .sort((a, b) => a.event.time_ms - b.event.time_ms)
  const planner = writePlanner(manifest)
  for (const { event, index } of inOrder) {
    const id = eventId(event)
    for (const { kind, key, value } of planner(event)) {
      const write = writes.get(key) ?? { kind, key, events: [], engagements: [] }
      writes.set(key, write)
      write.events.push({ id, value })
      write.engagements.push(index)
    }
  }
  return [...writes.values()]
}

type Change = Pick<StoreWrite, 'kind' | 'key'> & { value: Uint8Array }

function writePlanner(manifest: Manifest): (event: Engagement) => Change[] {
  const segments = neededSegments(manifest)
  const counted = new Set(manifest.counts.columns.map((column) => manifest.actions[column.action]))
  return (event) => [
    ...(readsSequence(manifest) ? sequenceChanges(event) : []),
    ...(counted.has(event.action) ? segments.flatMap((segment) => countChanges(manifest, segment, event)) : []),
  ]
}

function sequenceChanges(event: Engagement): Change[] {
  const { user } = event
  return user?.id === undefined ? [] : [{ kind: 'sequence', key: sequenceKey(user.id), value: encodeEvents([event]) }]
}

function countChanges(manifest: Manifest, segment: string, event: Engagement): Change[] {
  const { query, user } = event
  if (!query || !isKnownContext(manifest, segment, user)) return []
  const value = liveField(event)
  return segmentKeys(segment, { query, user }).map((key) => ({ kind: 'live_counts', key: liveKey(key), value }))
}

/** Values that are in no vocabulary make no keys: callers could fill the store with them. */
function isKnownContext({ vocabularies }: Manifest, segment: string, user: Engagement['user']): boolean {
  if (isPlainSegment(segment)) return true
  const value = contextValue(user, segment)
  return value !== undefined && (vocabularies[segment]?.includes(value) ?? true)
}

/** XXH64 of user and event id: events of different users do not meet under a query. */
function eventId({ id, user }: Engagement): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, xxh64(JSON.stringify([user?.id ?? null, id])), true)
  return bytes
}
