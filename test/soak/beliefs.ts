/**
 * What the store may have told the service when an answer lacks features: which of them, the answer says; which segments of
 * the counts are in `cross_counts`, it does not (some may have come from the cache).
 */
import { liveKey } from '../../src/features/live_counts.ts'
import { type FeatureStore, StoreError, type StoreRead } from '../../src/store/store.ts'

export type Belief = { sequence_lost: boolean; live_lost: boolean; segments_lost: string[] }

/** Most likely first. */
export function beliefsFor(degraded: readonly string[], segments: readonly string[]): Belief[] {
  const sequence_lost = degraded.includes('sequence')
  if (!degraded.includes('cross_counts')) {
    return [{ sequence_lost, live_lost: degraded.includes('live_counts'), segments_lost: [] }]
  }
  const subsets = segments.reduce<string[][]>((all, one) => all.flatMap((some) => [[...some, one], some]), [[]])
  return subsets
    .filter((some) => some.length > 0)
    .map((segments_lost) => ({ sequence_lost, live_lost: true, segments_lost }))
}

const gone = new StoreError('down', 'lost')

/** The store, less what is believed lost. */
export function storeOf(store: FeatureStore, belief: Belief): FeatureStore {
  return {
    ...store,
    async read(request: StoreRead, deadline_ms) {
      const answer = await store.read(request, deadline_ms)
      const lost = new Set([
        ...(belief.sequence_lost && request.sequence !== null ? [request.sequence] : []),
        ...request.values.filter((key) => belief.segments_lost.some((segment) => key.startsWith(`iqp:${segment}`))),
        ...(belief.live_lost ? request.values.map(liveKey) : []),
      ])
      return {
        sequence: request.sequence !== null && lost.has(request.sequence) ? null : answer.sequence,
        values: answer.values.map((value, index) => (lost.has(request.values[index]) ? null : value)),
        live: answer.live.map((value, index) => (lost.has(request.live[index]) ? null : value)),
        problems: [...lost].map((key) => ({ key, error: gone })),
      }
    },
  }
}
