/** What the routes see of the process: the serving bundle, which may be swapped between two requests, and readiness. */
import { ServiceError } from '../errors.ts'
import type { Serving } from '../prerank/serving.ts'

export type Host = {
  serving: Serving | null
  /** Why there is no answer yet, or no more; null when ready. */
  not_ready: string | null
  /** Answers end their connections: callers come back to another process. */
  is_stopping?: boolean
}

/** Header of an answer after which the connection ends. */
export const LAST_ANSWER = { connection: 'close' }

/** For a look at it; whoever works with it beyond an `await` holds it: `using _hold = serving.holds.take()`. */
export function servingOf(host: Host): Serving {
  if (!host.serving)
    throw new ServiceError('not_ready', { found: host.not_ready ?? 'no bundle', expected: 'a loaded bundle' })
  return host.serving
}
