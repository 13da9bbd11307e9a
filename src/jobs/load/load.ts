/**
 * `prerank load`: snapshots → Redis. Everything is written beside what is served, under a new version; one SET flips
 * `pr:current`; then sequences take their places one by one, and after a while the old version's keys go. Until the flip
 * nothing that is served has changed, and every step may run again, so an interrupted load is simply started anew.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Manifest } from '../../bundle/manifest.ts'
import { EVENT_BYTES } from '../../features/sequence.ts'
import { type StoredCheck, storedCheck } from '../../features/stored_check.ts'
import type { SnapshotRecord } from '../../store/snapshot.ts'
import { formatCount } from '../run/format.ts'
import { type Job, JobError } from '../run/job.ts'
import { isSequence, readBatches } from './batches.ts'
import { type Client, connectTarget, type Target } from './client.ts'
import { contentName } from './content.ts'
import { flip } from './flip.ts'
import { isVersion, type LoadKeys, loadKeys } from './keys.ts'
import { holdLock, type Lock } from './lock.ts'
import { verifySample } from './verify.ts'
import { claimVersion, otherVersions, removeVersions } from './versions.ts'

export type LoadOptions = {
  target: Target
  /** Of the bundle that will read what is loaded. */
  manifest: Manifest
  /** Snapshot files. */
  files: string[]
  /** Named after the content of the snapshots where it is not given. */
  version?: string
  verify: boolean
  /** How long servers may take to see the flip; the old version stays that long. */
  grace_ms: number
  /** How long to wait for another load to end. */
  lock_wait_ms: number
  job: Job
}

export type LoadResult = {
  version: string
  previous: string | null
  values: number
  sequences: number
  bytes: number
  verified: number
  removed: number
}

type Staged = Pick<LoadResult, 'values' | 'sequences' | 'bytes'>
type Run = LoadOptions & { client: Client; keys: LoadKeys; lock: Lock; version: string; content: string }

export async function loadSnapshots(options: LoadOptions): Promise<LoadResult> {
  if (options.version !== undefined && !isVersion(options.version)) {
    throw new JobError(`version "${options.version}": expected letters, digits, _ . - and not the name of a key family`)
  }
  const content = await contentName(options.files)
  const version = options.version ?? content
  const client = await connectTarget(options.target)
  try {
    const keys = loadKeys({ prefix: options.target.prefix, version })
    const lock = await holdLock(client, { key: keys.lock, wait_ms: options.lock_wait_ms, job: options.job })
    const job = { ...options.job, signal: lock.signal }
    try {
      return await runLoad({ ...options, job, client, keys, lock, version, content })
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw client.explain(error)
  } finally {
    client.close()
  }
}

async function runLoad(run: Run): Promise<LoadResult> {
  const { client, keys, lock, version, content } = run
  const previous = await client.redis.get(keys.current)
  await claimVersion(run, { version, content, previous })
  const { staged, verified } = await stageAndVerify(run, previous)
  // A load of sequences alone leaves the served counts, and so their version, as they are.
  if (staged.values > 0) {
    await lock.confirm()
    await flip(client, { key: keys.current, from: previous, to: version })
  }
  await promoteSequences(run, staged.sequences)
  if (staged.values === 0) {
    await client.redis.hdel(keys.versions, version)
    return { version, previous, ...staged, verified, removed: 0 }
  }
  if (previous !== null && previous !== version) await grace(run)
  const removed = await removeVersions(run, await otherVersions(run, version))
  return { version, previous, ...staged, verified, removed }
}

async function grace({ grace_ms, job: { signal } }: Run): Promise<void> {
  // Its own AbortError would hide why the wait was cut short.
  await sleep(grace_ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}

/** Whatever stops it before the flip, what was written so far goes. */
async function stageAndVerify(run: Run, previous: string | null): Promise<{ staged: Staged; verified: number }> {
  try {
    const staged = await stage(run)
    return { staged, verified: run.verify ? await verifySample(run, staged) : 0 }
  } catch (error) {
    run.job.progress.clear()
    if (previous !== run.version) await discard(run).catch(() => {})
    throw error
  }
}

/** Where the lock is lost, another load may be writing, or serving, this very version: then a later one removes what is left. */
async function discard(run: Run): Promise<void> {
  const { client, keys, version, content } = run
  try {
    await removeVersions(run, [version])
  } catch {
    await client.redis.hsetnx(keys.versions, version, content)
  }
}

async function stage({ client, keys, manifest, files, job }: Run): Promise<Staged> {
  const step = job.progress.step('writing', { unit: 'records' })
  const staged = { values: 0, sequences: 0, bytes: 0 }
  const check = storedCheck(manifest)
  for await (const batch of readBatches(files)) {
    job.signal.throwIfAborted()
    for (const record of batch) assertReadable(check, record)
    await Promise.all(batch.map((record) => stageRecord(client, keys, record)))
    for (const record of batch) {
      staged[isSequence(record) ? 'sequences' : 'values']++
      staged.bytes += record.value.byteLength
    }
    step.advance(staged.values + staged.sequences)
  }
  step.finish(`${formatCount(staged.values)} values, ${formatCount(staged.sequences)} sequences`)
  return staged
}

function assertReadable(check: StoredCheck, { key, value }: SnapshotRecord): void {
  try {
    check(key, value)
  } catch (error) {
    throw new JobError(`${(error as Error).message}; build the snapshots with this bundle’s manifest`, { cause: error })
  }
}

async function stageRecord({ redis }: Client, keys: LoadKeys, record: SnapshotRecord): Promise<void> {
  const key = keys.staged(record.key)
  const value = Buffer.from(record.value.buffer, record.value.byteOffset, record.value.byteLength)
  if (!isSequence(record)) {
    await redis.set(key, value)
    return
  }
  const events = Array.from({ length: value.length / EVENT_BYTES }, (_, at) =>
    value.subarray(at * EVENT_BYTES, (at + 1) * EVENT_BYTES),
  )
  const cleared = redis.unlink(key)
  await Promise.all([cleared, redis.rpush(key, ...events)])
}

async function promoteSequences({ client, keys, files, job }: Run, sequences: number): Promise<void> {
  if (sequences === 0) return
  const step = job.progress.step('replacing sequences', { total: sequences, unit: 'users' })
  let done = 0
  for await (const batch of readBatches(files)) {
    job.signal.throwIfAborted()
    const users = batch.filter(isSequence)
    await Promise.all(users.map(({ key }) => client.redis.promoteSequence(keys.served(key), keys.staged(key))))
    done += users.length
    step.advance(done)
  }
  step.finish()
}
