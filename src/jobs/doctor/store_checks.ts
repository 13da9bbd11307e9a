/** Is there something to read for this bundle, is it what its keys say, in its columns, and how old is it? */
import { statSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { Manifest } from '../../bundle/manifest.ts'
import { DAY_MS } from '../../day.ts'
import { storedCheck } from '../../features/stored_check.ts'
import { readSnapshot, type SnapshotRecord } from '../../store/snapshot.ts'
import { snapshotFiles } from '../../store/snapshot_files.ts'
import { type Client, connectTarget, hostsOf, type Target } from '../load/client.ts'
import { formatBytes, formatCount, formatDuration } from '../run/format.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** Of each family and server. */
const SAMPLE_KEYS = 1000
const STALE_MS = 2 * DAY_MS
const LOAD = 'prerank load --bundle <dir>'

export async function embeddedChecks(directory: string, manifest: Manifest, now_ms: number): Promise<Check[]> {
  const paths = snapshotFiles(directory)
  if (paths.length === 0) {
    return [
      warn(
        'features',
        'the bundle has no snapshot: no counts, no stored sequences',
        'prerank counts build, prerank sequences build',
      ),
    ]
  }
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0)
  return [
    ok('features', `embedded: ${paths.length} snapshots, ${formatBytes(bytes)}`),
    await recordCheck(snapshotRecords(paths), manifest, now_ms),
  ]
}

async function* snapshotRecords(paths: readonly string[]): AsyncGenerator<SnapshotRecord> {
  for (const path of paths) yield* readSnapshot(path)
}

export async function redisChecks(target: Target, manifest: Manifest, now_ms: number): Promise<Check[]> {
  const client = await connectTarget(target)
  try {
    const version = await client.redis.get(`${target.prefix}current`)
    const policies = await Promise.all(client.masters().map(async (master) => policyOf(await master.info('memory'))))
    const evicting = policies.find((policy) => policy !== 'noeviction')
    const checks = [
      version === null
        ? warn('redis', `${hostsOf(target.url)}: no version is loaded`, LOAD)
        : ok('redis', `${hostsOf(target.url)}: serving version ${version}`),
      evicting
        ? warn(
            'eviction',
            `maxmemory-policy is ${evicting}: features may vanish one by one`,
            'set it to noeviction, or give Redis enough memory',
          )
        : ok('eviction', 'noeviction'),
    ]
    return [...checks, await recordCheck(sampleRecords(client, target.prefix, version), manifest, now_ms)]
  } finally {
    client.close()
  }
}

/**
 * Some counts of the served version and some sequences, of every server. SCAN goes through a server's hash table, so the
 * first keys it gives are spread over all of them.
 */
async function* sampleRecords(client: Client, prefix: string, version: string | null): AsyncGenerator<SnapshotRecord> {
  const counts = version === null ? prefix : `${prefix}${version}:`
  for (const master of client.masters()) {
    for await (const key of sampleKeys(master, `${counts}iqp:`)) {
      const value = await master.getBuffer(key)
      if (value !== null) yield { key: key.slice(counts.length), value }
    }
    for await (const key of sampleKeys(master, `${prefix}seq:`)) {
      if (key.endsWith(':seen')) continue
      const events = await master.lrangeBuffer(key, 0, -1)
      if (events.length > 0) yield { key: key.slice(prefix.length), value: Buffer.concat(events) }
    }
  }
}

async function* sampleKeys(master: Redis, start: string): AsyncGenerator<string> {
  const stream = master.scanStream({ match: `${start.replace(/[\\*?[\]]/g, '\\$&')}*`, count: 1000 })
  let left = SAMPLE_KEYS
  for await (const keys of stream as AsyncIterable<string[]>) {
    yield* keys.slice(0, left)
    left -= keys.length
    if (left <= 0) return
  }
}

/** Every record by the codec of its family, and how old the counts are. */
async function recordCheck(records: AsyncIterable<SnapshotRecord>, manifest: Manifest, now_ms: number): Promise<Check> {
  const name = 'counts'
  const check = storedCheck(manifest)
  let newest = Number.NEGATIVE_INFINITY
  let checked = 0
  try {
    for await (const { key, value } of records) {
      newest = Math.max(newest, check(key, value) ?? newest)
      checked++
    }
  } catch (error) {
    return fail(name, (error as Error).message, 'build the features with this bundle’s manifest and load them again')
  }
  if (newest === Number.NEGATIVE_INFINITY) {
    return warn(name, 'no count blob: every cross feature is missing', 'prerank counts build')
  }
  const age = `as of ${new Date(newest).toISOString()}, ${formatDuration(Math.max(now_ms - newest, 0))} ago; ${formatCount(checked)} records checked`
  return now_ms - newest > STALE_MS ? warn(name, age, 'build and load them daily: prerank counts build') : ok(name, age)
}

function policyOf(info: string): string {
  return /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
