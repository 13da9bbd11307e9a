/** Times of the stages of one request. */
import type { Stage } from './answer.ts'

export type Stopwatch = {
  readonly timings_ms: Partial<Record<Stage, number>>
  /** Starts the work and records how long it took. */
  time<T>(stage: Stage, work: () => Promise<T>): Promise<T>
}

export function createStopwatch(): Stopwatch {
  const timings_ms: Partial<Record<Stage, number>> = {}
  return {
    timings_ms,
    async time(stage, work) {
      const start_ms = performance.now()
      const result = await work()
      timings_ms[stage] = performance.now() - start_ms
      return result
    },
  }
}
