/** What every job gets from the command line: a way to be stopped, and a place to say how far it is. */
import type { Progress } from './progress.ts'

export type Job = { signal: AbortSignal; progress: Progress }

/** Bytes of memory and threads that a job may use. */
export type Resources = { memory_bytes: number; threads: number }

/** Something the caller can put right: shown as one line, without a stack. */
export class JobError extends Error {
  override readonly name = 'JobError'
}
