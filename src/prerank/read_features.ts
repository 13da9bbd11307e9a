/**
 * What the store knows for a request, in one read; when it does not answer in time, the request goes on without. Where the
 * time that scoring needs is what cuts the read short, the reason is the deadline.
 */
import type { Failure } from '../features/lost.ts'
import type { ReadPlan } from '../features/plan.ts'
import type { StoredFeatures } from '../features/stored.ts'
import { type StoreAnswer, StoreError } from '../store/store.ts'
import type { FeatureRead } from './answer.ts'
import type { Serving } from './serving.ts'

export type FeaturesRead = { stored: StoredFeatures; reads: FeatureRead[] }

type ReadOptions = {
  plan: ReadPlan
  /** What scoring can do without. */
  spare_ms: number
  now_ms: number
}

/** A timer cannot wait less. */
const READ_MS_MIN = 1

export async function readFeatures(serving: Serving, options: ReadOptions): Promise<FeaturesRead> {
  const { plan, now_ms } = options
  const stored = serving.readStored(plan, await readStore(serving, options), now_ms)
  const lost = stored.lost.map((one) => ({ ...one, outcome: 'lost' as const }))
  return { stored, reads: [...lost, ...found(plan, stored, now_ms)] }
}

const OUT_OF_TIME: Failure = { reason: 'deadline', message: 'no time left to read features' }

async function readStore({ store, limits }: Serving, { plan, spare_ms }: ReadOptions): Promise<StoreAnswer | Failure> {
  const { read } = plan
  if (read.sequence === null && read.values.length === 0) return { sequence: null, values: [], live: [], problems: [] }
  if (spare_ms < READ_MS_MIN) return OUT_OF_TIME
  try {
    return await store.read(read, Math.min(spare_ms, limits.store_deadline_ms))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const cut_short = error.kind === 'late' && spare_ms < limits.store_deadline_ms
    return { reason: cut_short ? 'deadline' : error.kind, message: error.message }
  }
}

/** What the store did answer, feature by feature. */
function found(plan: ReadPlan, stored: StoredFeatures, now_ms: number): FeatureRead[] {
  const lost = new Set(stored.lost.map(({ feature }) => feature))
  return plan.features.flatMap((feature): FeatureRead[] => {
    if (lost.has(feature)) return []
    if (feature === 'query_embedding') return [{ feature, outcome: stored.embedding ? 'hit' : 'miss' }]
    if (feature === 'sequence') return [dated(feature, stored.sequence?.times_ms[0], now_ms)]
    const batch = stored.blobs.filter((blob) => !blob.live)
    const oldest_ms = batch.length > 0 ? Math.min(...batch.map(({ counts }) => counts.as_of_ms)) : undefined
    const live: FeatureRead = {
      feature: 'live_counts',
      outcome: batch.length < stored.blobs.length ? 'hit' : 'miss',
    }
    return [dated(feature, oldest_ms, now_ms), ...(lost.has('live_counts') ? [] : [live])]
  })
}

function dated(feature: string, time_ms: number | undefined, now_ms: number): FeatureRead {
  if (time_ms === undefined) return { feature, outcome: 'miss' }
  return { feature, outcome: 'hit', age_ms: Math.max(0, now_ms - time_ms) }
}
