/**
 * Which versions are a prefix's own. The prefix of one deployment may begin like that of another (`pr:` and `pr:eu:`), so
 * `pr:eu:seq:…` alone does not tell a version `eu` from a neighbour. Each load therefore writes down what it is about to
 * write, with its content, and only what is written down is ever removed.
 */
import type { Redis } from 'ioredis'
import { formatCount } from '../run/format.ts'
import { type Job, JobError } from '../run/job.ts'
import type { Client } from './client.ts'
import type { LoadKeys } from './keys.ts'
import type { Lock } from './lock.ts'

type Run = { client: Client; keys: LoadKeys; lock: Lock; job: Job }
type Claim = { version: string; content: string; previous: string | null }

/** Before the first key of the version. What is served must not change, nor leftovers of other content join it. */
export async function claimVersion(run: Run, { version, content, previous }: Claim): Promise<void> {
  const { keys } = run
  const { redis } = run.client
  if (await redis.exists(keys.neighbour)) {
    throw new JobError(`version "${version}": there is ${keys.neighbour}, another deployment; give another --name`)
  }
  // Loaded before versions were written down, when a name was the content unless it was given.
  if (previous !== null) await redis.hsetnx(keys.versions, previous, previous)
  const known = await redis.hget(keys.versions, version)
  if (known !== null && known !== content) {
    if (version === previous) {
      throw new JobError(
        `version "${version}" is served and has other content (${known}, not ${content}); give another --name`,
      )
    }
    await removeVersions(run, [version])
  }
  await redis.hset(keys.versions, version, content)
}

export async function otherVersions({ client, keys }: Run, kept: string): Promise<string[]> {
  return (await client.redis.hkeys(keys.versions)).filter((version) => version !== kept)
}

/** How many keys went. Confirms the lock rather than the signal: a load that is stopped still has to tidy up. */
export async function removeVersions({ client, keys, lock, job }: Run, versions: readonly string[]): Promise<number> {
  if (versions.length === 0) return 0
  const step = job.progress.step('removing old versions', { unit: 'keys' })
  let removed = 0
  for (const master of client.masters()) {
    for await (const found of master.scanStream({ match: keys.pattern, count: 1000 }) as AsyncIterable<string[]>) {
      await lock.confirm()
      const old = found.filter((key) => versions.includes(keys.versionOf(key) ?? ''))
      await unlinkAll(master, old)
      removed += old.length
      step.advance(removed)
    }
  }
  await client.redis.hdel(keys.versions, ...versions)
  if (removed > 0) step.finish(`${formatCount(removed)} keys`)
  return removed
}

/** One key per command: the keys of a Cluster node are in many slots. */
async function unlinkAll(master: Redis, keys: string[]): Promise<void> {
  await Promise.all(keys.map((key) => master.unlink(key)))
}
