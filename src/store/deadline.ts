import { StoreError } from './store.ts'

/**
 * Rejects with a `late` StoreError after that long; what comes later is dropped. When the event loop itself was held up, the
 * timer fires before the answer that lies in the socket is read: sockets get their turn first.
 */
export async function withDeadline<T>(promise: Promise<T>, deadline_ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const error = () => new StoreError('late', `no answer within ${Math.round(deadline_ms)} ms`)
  const timer = setTimeout(() => setImmediate(() => reject(error())), deadline_ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
