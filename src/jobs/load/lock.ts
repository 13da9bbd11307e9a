/**
 * One load at a time: a key with an expiry, renewed while the load runs, so that a killed load blocks nobody for long. A
 * load that stood still for longer (a stopped process, a machine that slept) has lost it, and another one may have run:
 * it must neither flip nor remove anything any more.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, JobError } from '../run/job.ts'
import type { Client } from './client.ts'

const HELD_MS = 10_000
const POLL_MS = 250
/** Long enough for the lock of a killed load to expire. */
export const LOCK_WAIT_MS = 12_000

const IF_MINE = (command: string) => `if redis.call('GET', KEYS[1]) == ARGV[1] then return ${command} end return 0`
const RENEW = IF_MINE(`redis.call('PEXPIRE', KEYS[1], ${HELD_MS})`)
const RELEASE = IF_MINE(`redis.call('DEL', KEYS[1])`)

export type LockOptions = { key: string; wait_ms: number; job: Job }

export type Lock = {
  /** Aborts when the job does, and when the lock is found to be lost. */
  signal: AbortSignal
  /** Resolves where the lock is held, from now on for its whole time. */
  confirm(): Promise<void>
  release(): Promise<void>
}

export async function holdLock({ redis }: Client, { key, wait_ms, job }: LockOptions): Promise<Lock> {
  const token = randomUUID()
  const deadline = performance.now() + wait_ms
  while ((await redis.set(key, token, 'PX', HELD_MS, 'NX')) !== 'OK') {
    if (performance.now() > deadline) throw new JobError(`another load is running: ${key} is held; wait for it to end`)
    await sleep(POLL_MS, undefined, { signal: job.signal })
  }
  const lost = new AbortController()
  async function confirm(): Promise<void> {
    if ((await redis.eval(RENEW, 1, key, token)) !== 1) {
      lost.abort(
        new JobError(
          `${key}: found it gone or another load's: this one stood still for too long, or Redis evicts keys; start it again`,
        ),
      )
    }
    lost.signal.throwIfAborted()
  }
  // A renewal that fails with the connection is made up for by the next one, or the load's own commands fail too.
  const timer = setInterval(() => void confirm().catch(() => {}), HELD_MS / 4)
  return {
    signal: AbortSignal.any([job.signal, lost.signal]),
    confirm,
    async release() {
      clearInterval(timer)
      await redis.eval(RELEASE, 1, key, token).catch(() => {})
    },
  }
}
