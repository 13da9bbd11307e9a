/**
 * How hard a bundle is being opened. At start nothing else wants the machine; beside a bundle that serves, the work rests
 * after every piece of it, so that it takes a share of a core and not the requests' turn.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export type Pace = {
  /** Of one core, at most. */
  share: number
  /** After a piece of work: gives the event loop its turn, for as long as the share asks. Rejects when it is all off. */
  rest(): Promise<void>
  signal?: AbortSignal
}

/** Timers are no finer; shorter rests add up. */
const REST_MS_MIN = 1
/** A piece that waited for others must not count as work without end. */
const REST_MS_MAX = 50

export const FULL_SPEED: Pace = { share: 1, rest: async () => {} }

export function createPace({ share, signal }: { share: number; signal: AbortSignal }): Pace {
  let resumed_ms = performance.now()
  return {
    share,
    signal,
    async rest() {
      signal.throwIfAborted()
      const rest_ms = Math.min(REST_MS_MAX, restFor(performance.now() - resumed_ms, share))
      if (rest_ms < REST_MS_MIN) return
      await sleep(rest_ms, undefined, { signal })
      resumed_ms = performance.now()
    },
  }
}

/** What makes `worked_ms` the given share of the whole time. */
export function restFor(worked_ms: number, share: number): number {
  return (worked_ms * (1 - share)) / share
}
