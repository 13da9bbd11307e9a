/**
 * Keeps a dead node from costing every request its timeout: after some failures in a row calls fail at once, but for one
 * trial per cooldown that finds out whether the node is back.
 */
export type Breaker = {
  /** Whether a call may go out now; how it ended is reported, unless its time was too short to tell. */
  ask(): 'go' | 'trial' | 'stop'
  succeeded(): void
  failed(): void
  /** Open, and a failure not long ago says so: a node that nobody reads from any more is not known to be dead. */
  readonly open: boolean
}

export type BreakerOptions = { failures_max: number; cooldown_ms: number }

const EVIDENCE_MS = 5000

export function createBreaker({ failures_max, cooldown_ms }: BreakerOptions, now = () => performance.now()): Breaker {
  let failures = 0
  let failed_ms = 0
  let trial_ms = 0

  return {
    ask() {
      if (failures < failures_max) return 'go'
      if (now() < trial_ms) return 'stop'
      trial_ms = now() + cooldown_ms
      return 'trial'
    },
    succeeded() {
      failures = 0
    },
    failed() {
      failures++
      failed_ms = now()
      if (failures === failures_max) trial_ms = failed_ms + cooldown_ms
    },
    get open() {
      return failures >= failures_max && now() - failed_ms < EVIDENCE_MS
    },
  }
}
