/** One load at a time: a key with an expiry, renewed while the load runs, so that a killed load blocks nobody for long. */
import { randomUUID } from 'node:crypto'
import { JobError } from '../run/job.ts'
import type { Client } from './client.ts'

const HELD_MS = 30_000

const IF_MINE = (command: string) => `if redis.call('GET', KEYS[1]) == ARGV[1] then return ${command} end return 0`
const RENEW = IF_MINE(`redis.call('PEXPIRE', KEYS[1], ${HELD_MS})`)
const RELEASE = IF_MINE(`redis.call('DEL', KEYS[1])`)

/** Resolves with the function that lets go. */
export async function holdLock({ redis }: Client, key: string): Promise<() => Promise<void>> {
  const token = randomUUID()
  if ((await redis.set(key, token, 'PX', HELD_MS, 'NX')) !== 'OK') {
    throw new JobError(`another load is running (${key} is held); a killed one lets go after ${HELD_MS / 1000} s`)
  }
  const timer = setInterval(() => void redis.eval(RENEW, 1, key, token).catch(() => {}), HELD_MS / 3)
  return async () => {
    clearInterval(timer)
    await redis.eval(RELEASE, 1, key, token).catch(() => {})
  }
}
