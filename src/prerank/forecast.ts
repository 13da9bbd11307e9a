/**
 * How long the stages after the feature read will take, from what they took lately. It decides how long a request may wait
 * for its features, so that there is still time to score without them.
 */
import { createEstimate } from '../admission/estimate.ts'
import type { Stage } from './answer.ts'

export type Forecast = {
  /** A stage that was given up counts with the time it had taken by then. */
  seen(stage: Stage, candidates: number, took_ms: number): void
  /** From the features to the end of the answer. */
  rest_ms(candidates: number): number
}

const REST = ['tower', 'kernel', 'encode'] as const
/** The mean is exceeded half of the time. */
const SAFETY = 1.5
/** Timers are late by up to that. */
const SLACK_MS = 2

export function createForecast(): Forecast {
  const estimates = new Map<Stage, ReturnType<typeof createEstimate>>(REST.map((stage) => [stage, createEstimate()]))
  return {
    seen(stage, candidates, took_ms) {
      estimates.get(stage)?.seen(candidates, took_ms)
    },
    rest_ms(candidates) {
      const mean_ms = REST.reduce((sum, stage) => sum + estimates.get(stage)!.of(candidates), 0)
      return SAFETY * mean_ms + SLACK_MS
    },
  }
}
