/** Times of the stages of one request. */
import type { Stage } from './answer.ts'

export type Stopwatch = {
  readonly timings_ms: Partial<Record<Stage, number>>
  /** Starts the work and records how long it took, also where it failed. */
  time<T>(stage: Stage, work: () => Promise<T>): Promise<T>
}

export function createStopwatch(onTime: (stage: Stage, took_ms: number) => void): Stopwatch {
  const timings_ms: Partial<Record<Stage, number>> = {}
  return {
    timings_ms,
    async time(stage, work) {
      const start_ms = performance.now()
      try {
        return await work()
      } finally {
        const took_ms = performance.now() - start_ms
        timings_ms[stage] = took_ms
        onTime(stage, took_ms)
      }
    },
  }
}
