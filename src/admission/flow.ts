/**
 * How long what is in work will take to leave. Little's law: while the service is busy, the time between two answers is
 * what one of them costs, wherever they queue (thread, store, tower, kernel, the machine itself), so nobody has to know
 * where. With few in work it would be how long one takes, most of which is waiting for others than us. Requests share the
 * machine: by the time that one of some cost is done, each of the others had as much at most.
 */
import { createEstimate } from './estimate.ts'

export type Flow = {
  /** From now on enough are in work. */
  busy(): void
  /** One was answered while enough were. What was given up counts to the next that is. */
  answered(candidates: number): void
  /** What one costs, from what such requests cost lately. */
  cost_ms(candidates: number): number
  /** How long a request would wait for the others that are in work, given by their candidates. */
  wait_ms(candidates: number, others: Iterable<number>): number
}

export function createFlow(now = () => performance.now()): Flow {
  const cost = createEstimate()
  let since_ms = now()
  return {
    busy() {
      since_ms = now()
    },
    answered(candidates) {
      const gap_ms = now() - since_ms
      since_ms += gap_ms
      cost.seen(candidates, gap_ms)
    },
    cost_ms: cost.of,
    wait_ms(candidates, others) {
      const own_ms = cost.of(candidates)
      let sum_ms = 0
      for (const other of others) sum_ms += Math.min(own_ms, cost.of(other))
      return sum_ms
    },
  }
}
