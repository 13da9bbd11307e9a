/**
 * Tells a queue that stands from a burst, as CoDel does (RFC 8289), in the form for servers of Maurer, "Fail at Scale" (ACM
 * Queue 13(8), 2015): a queue that was empty not long ago may grow to the length of a burst; one that has not been empty for
 * that long serves nobody, it only makes everyone late, and is kept short.
 */
export type StandingQueue = {
  /** Whether something that would wait that long should be refused; what takes long itself may wait as long; nobody more than `most_ms`. */
  refuses(ask: { wait_ms: number; own_ms: number; most_ms: number }): boolean
}

export type StandingQueueLimits = { burst_ms: number; standing_ms: number }

/** Waiting less is not waiting. */
const EMPTY_MS = 0.5

export function createStandingQueue(
  { burst_ms, standing_ms }: StandingQueueLimits,
  now = () => performance.now(),
): StandingQueue {
  let empty_ms = now()
  return {
    refuses({ wait_ms, own_ms, most_ms }) {
      if (wait_ms < EMPTY_MS) {
        empty_ms = now()
        return false
      }
      const isStanding = now() - empty_ms > burst_ms
      return wait_ms > Math.min(Math.max(isStanding ? standing_ms : burst_ms, own_ms), most_ms)
    },
  }
}
