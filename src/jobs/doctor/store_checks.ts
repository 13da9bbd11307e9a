/** Is there something to read for this bundle, is it in its columns, and how old is it? */
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../../bundle/manifest.ts'
import { parseCountBlob } from '../../features/counts.ts'
import { readSnapshot } from '../../store/snapshot.ts'
import { connectTarget, hostsOf, type Target } from '../load/client.ts'
import { formatBytes, formatDuration } from '../run/format.ts'
import { type Check, fail, ok, warn } from './check.ts'

const SAMPLE_BLOBS = 20
const STALE_MS = 2 * 86_400_000
const LOAD = 'prerank load --bundle <dir>'

export async function embeddedChecks(directory: string, manifest: Manifest, now_ms: number): Promise<Check[]> {
  const paths = globSync(join(directory, 'features', '*.snapshot')).sort()
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
  const blobs: Uint8Array[] = []
  for (const path of paths) {
    for await (const { key, value } of readSnapshot(path)) {
      if (key.startsWith('iqp:')) blobs.push(value)
      if (blobs.length === SAMPLE_BLOBS) break
    }
  }
  return [
    ok('features', `embedded: ${paths.length} snapshots, ${formatBytes(bytes)}`),
    blobCheck(blobs, manifest, now_ms),
  ]
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
    const prefix = version === null ? target.prefix : `${target.prefix}${version}:`
    const blobs: Uint8Array[] = []
    for (const master of client.masters()) {
      const stream = master.scanStream({ match: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}iqp:*`, count: 1000 })
      for await (const keys of stream as AsyncIterable<string[]>) {
        const values = await Promise.all(keys.slice(0, SAMPLE_BLOBS - blobs.length).map((key) => master.getBuffer(key)))
        blobs.push(...values.filter((value) => value !== null))
        if (blobs.length >= SAMPLE_BLOBS) break
      }
    }
    return [...checks, blobCheck(blobs, manifest, now_ms)]
  } finally {
    client.close()
  }
}

function blobCheck(blobs: readonly Uint8Array[], manifest: Manifest, now_ms: number): Check {
  const name = 'counts'
  if (blobs.length === 0) return warn(name, 'no count blob: every cross feature is missing', 'prerank counts build')
  try {
    const columns = manifest.counts.columns.map((column) => column.name)
    const newest = Math.max(...blobs.map((blob) => parseCountBlob(blob, columns).as_of_ms))
    const age = `as of ${new Date(newest).toISOString()}, ${formatDuration(Math.max(now_ms - newest, 0))} ago`
    return now_ms - newest > STALE_MS
      ? warn(name, age, 'build and load them daily: prerank counts build')
      : ok(name, age)
  } catch (error) {
    return fail(name, (error as Error).message, 'build the counts with this bundle’s manifest and load them again')
  }
}

function policyOf(info: string): string {
  return /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
