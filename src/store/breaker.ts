/**
 * Keeps a dead node from costing every request its timeout: after some failures in a row reads fail at once, but for one
 * trial per cooldown that finds out whether the node is back.
 */
export type Breaker = {
  /** Whether a read may go out now; a caller that is let through has to report how it ended. */
  allows(): boolean
  succeeded(): void
  failed(): void
  readonly open: boolean
}

export type BreakerOptions = { failures_max: number; cooldown_ms: number }

export function createBreaker({ failures_max, cooldown_ms }: BreakerOptions, now = () => performance.now()): Breaker {
  let failures = 0
  let closed_until_ms = 0

  return {
    allows() {
      if (failures < failures_max) return true
      if (now() < closed_until_ms) return false
      closed_until_ms = now() + cooldown_ms
      return true
    },
    succeeded() {
      failures = 0
    },
    failed() {
      failures++
      if (failures === failures_max) closed_until_ms = now() + cooldown_ms
    },
    get open() {
      return failures >= failures_max
    },
  }
}
