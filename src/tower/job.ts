/** One request that waits for the tower, or runs in it. */
import type { TowerFeed } from './inputs.ts'

export type Job = {
  feed: TowerFeed
  queued_ms: number
  /** Runs alone now: its first run ended with a crash or a refused batch. */
  retried: boolean
  /** Whether nobody waits for the result any more. */
  isAbandoned(): boolean
  resolve(output: Float32Array): void
  reject(error: unknown): void
}

export type NewJob = {
  feed: TowerFeed
  signal: AbortSignal | undefined
  /** Takes the job out of the queue when the signal aborts. */
  onAbandon: (job: Job) => void
}

/** A job and the promise of its output, which rejects with the signal's reason as soon as that aborts. */
export function createJob({ feed, signal, onAbandon }: NewJob): { job: Job; output: Promise<Float32Array> } {
  const { promise: output, resolve, reject } = Promise.withResolvers<Float32Array>()
  const abandon = () => {
    onAbandon(job)
    reject(signal?.reason)
  }
  const settled = () => signal?.removeEventListener('abort', abandon)
  const job: Job = {
    feed,
    queued_ms: performance.now(),
    retried: false,
    isAbandoned: () => signal?.aborted ?? false,
    resolve(row) {
      settled()
      resolve(row)
    },
    reject(error) {
      settled()
      reject(error)
    },
  }
  signal?.addEventListener('abort', abandon, { once: true })
  return { job, output }
}

export function rejectAll(jobs: readonly Job[], error: unknown): void {
  for (const job of jobs) job.reject(error)
}
