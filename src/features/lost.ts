/** What of a request's features could not be had, and why. */
import type { StoreErrorKind } from '../store/store.ts'
import type { FeatureName, ReadPlan } from './plan.ts'

/** `deadline`: waiting for it would have left no time to score. `damaged`: bytes that are not the feature. The rest: the store. */
export type LossReason = StoreErrorKind | 'deadline' | 'damaged'

export type Failure = { reason: LossReason; message: string }

export type LostFeature = { feature: FeatureName; reason: LossReason }

/** By the keys that failed: of a feature that lacks several, the first one's reason. */
export function lostFeatures(plan: ReadPlan, failed: ReadonlyMap<string, Failure>): LostFeature[] {
  const lostOf = (feature: FeatureName, keys: readonly string[]): LostFeature[] => {
    const key = keys.find((one) => failed.has(one))
    return key === undefined ? [] : [{ feature, reason: failed.get(key)!.reason }]
  }
  const lost = plan.features.flatMap((feature) => lostOf(feature, keysOf(plan, feature)))
  const has_counts = lost.every(({ feature }) => feature !== 'cross_counts')
  return has_counts ? [...lost, ...lostOf('live_counts', plan.read.live)] : lost
}

function keysOf({ read, blobs, embedding }: ReadPlan, feature: FeatureName): string[] {
  if (feature === 'sequence') return read.sequence === null ? [] : [read.sequence]
  if (feature === 'query_embedding') return embedding === null ? [] : [read.values[embedding]]
  return blobs.map(({ value }) => read.values[value])
}
