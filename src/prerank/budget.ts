/**
 * The time of one request, from which all stages spend. Its signal aborts with a ServiceError at the deadline, or when
 * nobody waits for the answer any more. The timer cannot fire while the thread computes: stages ask before they start.
 */
import { type ErrorCode, ServiceError } from '../errors.ts'
import type { Stage } from './answer.ts'

/** `receive`: the body is on its way, or waits for its turn. */
export type BudgetStage = 'receive' | Stage

export type Budget = {
  readonly signal: AbortSignal
  /** Where the request is; where it was when the signal aborted. */
  readonly stage: BudgetStage
  left_ms(): number
  /** Throws where the time is over or nobody waits. */
  enter(stage: BudgetStage): void
  /** Another deadline, from the arrival of the request. */
  allow(deadline_ms: number): void
  /** What `work` gives, or at once the reason why it is not waited for any more; it goes on until it enters a stage. */
  within<T>(work: Promise<T>): Promise<T>
  giveUp(): void
  /** Stops the clock. */
  close(): void
}

export type BudgetOptions = {
  /** performance.now() of the arrival. */
  arrived_ms?: number
  deadline_ms?: number
}

export function createBudget(options: BudgetOptions = {}): Budget {
  const { arrived_ms = performance.now(), deadline_ms = Number.POSITIVE_INFINITY } = options
  const aborting = new AbortController()
  const { signal } = aborting
  let end_ms = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const left_ms = () => end_ms - performance.now()
  const abort = (code: ErrorCode, found: string) => {
    clearTimeout(timer)
    aborting.abort(new ServiceError(code, { found, expected: EXPECTED[code] }))
  }
  const expire = () => abort('deadline_exceeded', `no answer after ${Math.round(end_ms - arrived_ms)} ms`)

  // A getter would give every budget a shape of its own, which costs more than the rest of it.
  const budget: Budget & { stage: BudgetStage } = {
    signal,
    stage: 'receive',
    left_ms,
    enter(next) {
      if (!signal.aborted && left_ms() <= 0) expire()
      signal.throwIfAborted()
      budget.stage = next
    },
    allow(deadline_ms) {
      clearTimeout(timer)
      end_ms = arrived_ms + deadline_ms
      if (Number.isFinite(end_ms) && !signal.aborted) timer = setTimeout(expire, left_ms())
    },
    async within(work) {
      const { promise: given_up, reject } = Promise.withResolvers<never>()
      const giveUp = () => reject(signal.reason)
      if (signal.aborted) giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      return Promise.race([work, given_up])
    },
    giveUp() {
      if (!signal.aborted) abort('client_gone', `no client ${budget.stage === 'receive' ? 'sending' : 'waiting'}`)
    },
    close: () => clearTimeout(timer),
  }
  budget.allow(deadline_ms)
  return budget
}

const EXPECTED: Partial<Record<ErrorCode, string>> = {
  deadline_exceeded: 'a longer deadline, or fewer candidates',
}
