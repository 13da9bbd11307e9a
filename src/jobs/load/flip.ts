/**
 * The flip: the version pointer moves only from where this load found it, so of two loads that both believe to hold the
 * lock one fails. One key is enough for that, also in a Cluster, where pointer and lock are in different slots.
 */
import { JobError } from '../run/job.ts'
import type { Client } from './client.ts'

const NONE = ''
const MOVE = `
local found = redis.call('GET', KEYS[1]) or '${NONE}'
if found ~= ARGV[1] then return found end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[1]
`

export type Flip = { key: string; from: string | null; to: string }

export async function flip({ redis }: Client, { key, from, to }: Flip): Promise<void> {
  const expected = from ?? NONE
  const found = await redis.eval(MOVE, 1, key, expected, to)
  if (found === expected) return
  throw new JobError(`${key}: found "${found}", expected "${expected}" as when this load began; start it again`)
}
