/**
 * How long the stages after the feature read will take, from what they took lately. It decides how long a request may wait
 * for its features, so that there is still time to score without them.
 */
import { createEstimate } from '../admission/estimate.ts'
import type { Stage } from './answer.ts'

export type Forecast = {
  /** A stage that was given up counts with the time it had taken by then. */
  seen(stage: Stage, candidates: number, took_ms: number): void
  /** What to keep, of the time that is left, for everything from the features to the end of the answer. */
  rest_ms(candidates: number, left_ms: number): number
}

const REST = ['tower', 'kernel', 'encode'] as const
/** Fewer candidates cost about the same: what small requests took says little of what each candidate takes. */
const CANDIDATES_MIN = 1_000
/** The mean is exceeded half of the time. */
const SAFETY = 1.5
/** Timers are late, and more so on a busy machine: the more, the longer a request is under way. */
const SLACK_MS = 2
const SLACK_SHARE = 0.05
const SLACK_MS_MAX = 50

export function createForecast(): Forecast {
  const estimates = new Map<Stage, ReturnType<typeof createEstimate>>(REST.map((stage) => [stage, createEstimate()]))
  return {
    seen(stage, candidates, took_ms) {
      estimates.get(stage)?.seen(sizeFor(stage, candidates), took_ms)
    },
    rest_ms(candidates, left_ms) {
      const mean_ms = REST.reduce((sum, stage) => sum + estimates.get(stage)!.of(sizeFor(stage, candidates)), 0)
      return SAFETY * mean_ms + SLACK_MS + Math.min(SLACK_SHARE * left_ms, SLACK_MS_MAX)
    },
  }
}

/** The tower knows nothing of candidates. */
const sizeFor = (stage: Stage, candidates: number) => (stage === 'tower' ? 1 : Math.max(candidates, CANDIDATES_MIN))
