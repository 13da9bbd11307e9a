/** What requests are answered with: one bundle, what follows from it, and the store it reads. Swapped as a whole. */
import type { Bundle } from '../bundle/bundle.ts'
import { type PlanReads, readPlanner } from '../features/plan.ts'
import { type AnswerReader, answerReader } from '../features/stored.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { FeatureStore } from '../store/store.ts'
import { type Accepted, acceptedBy } from './accepted.ts'
import { createForecast, type Forecast } from './forecast.ts'
import { createHolds, type Holds } from './holds.ts'

export type ServingLimits = { top_k_default: number; store_deadline_ms: number; explain_max: number }

export type ServingParts = { bundle: Bundle; kernel: Kernel; store: FeatureStore; limits: ServingLimits }

/** Nothing of it is closed before the last of `holds` has ended. */
export type Serving = ServingParts & {
  accepted: Accepted
  planReads: PlanReads
  readStored: AnswerReader
  forecast: Forecast
  holds: Holds
}

export function createServing(parts: ServingParts): Serving {
  const { manifest } = parts.bundle
  return {
    ...parts,
    accepted: acceptedBy(manifest),
    planReads: readPlanner(manifest),
    readStored: answerReader(manifest),
    forecast: createForecast(),
    holds: createHolds(),
  }
}
