/** One load at a time: a key with an expiry, renewed while the load runs, so that a killed load blocks nobody for long. */
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

/** Resolves with the function that lets go. */
export async function holdLock({ redis }: Client, { key, wait_ms, job }: LockOptions): Promise<() => Promise<void>> {
  const token = randomUUID()
  const deadline = performance.now() + wait_ms
  while ((await redis.set(key, token, 'PX', HELD_MS, 'NX')) !== 'OK') {
    if (performance.now() > deadline) throw new JobError(`another load is running: ${key} is held; wait for it to end`)
    await sleep(POLL_MS, undefined, { signal: job.signal })
  }
  const timer = setInterval(() => void redis.eval(RENEW, 1, key, token).catch(() => {}), HELD_MS / 4)
  return async () => {
    clearInterval(timer)
    await redis.eval(RELEASE, 1, key, token).catch(() => {})
  }
}
