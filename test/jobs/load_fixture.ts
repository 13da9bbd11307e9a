/** Snapshots to load, and a Redis of either kind to load them into. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import { encodeCountBlob } from '../../src/features/counts.ts'
import { encodeEvents } from '../../src/features/sequence.ts'
import type { LoadOptions } from '../../src/jobs/load/load.ts'
import { silentProgress } from '../../src/jobs/run/progress.ts'
import { compareKeys, writeSnapshot } from '../../src/store/snapshot.ts'
import { startRedis, startRedisCluster } from '../lib/redis.ts'
import { COUNT_COLUMNS, countManifest, quietJob, testFolder } from './support.ts'

const GENERATIONS = { first: 1, second: 2 }
type Generation = keyof typeof GENERATIONS
export const COLUMNS = COUNT_COLUMNS.map(({ name }) => name)
export const VALUES = 3000
const EVENT = { key: 7n, action: 1, time_ms: 1_700_000_000_000 }
export const events = (...times: number[]) =>
  encodeEvents(times.map((time, at) => ({ ...EVENT, key: BigInt(at), time_ms: EVENT.time_ms + time })))

/** A count blob whose as-of time names its generation, so that a mixture is seen. */
export function blob(generation: Generation, items: number): Uint8Array {
  return encodeCountBlob({
    columns: COLUMNS,
    as_of_ms: GENERATIONS[generation],
    totals: new Float64Array(COLUMNS.length).fill(9),
    keys: BigUint64Array.from({ length: items }, (_, n) => BigInt(n)),
    counts: new Uint32Array(COLUMNS.length * items).fill(items),
  })
}

export function generation(name: Generation): Map<string, Uint8Array> {
  const values = Array.from({ length: VALUES }, (_, n): [string, Uint8Array] => [
    `iqp:all:{q${n}}`,
    blob(name, 1 + (n % 40)),
  ])
  return new Map<string, Uint8Array>([...values, ['seq:{u1}', events(9, 5, 1)], ['seq:{ü 2}', events(3)]])
}

export async function writeRecords(t: TestContext, records: Map<string, Uint8Array>): Promise<string> {
  const path = join(await testFolder(t), 'features.snapshot')
  await writeSnapshot(
    path,
    [...records].sort(([a], [b]) => compareKeys(a, b)).map(([key, value]) => ({ key, value })),
  )
  return path
}

export async function target(t: TestContext, kind: 'standalone' | 'cluster', args: string[] = []) {
  const server = kind === 'cluster' ? await startRedisCluster() : await startRedis({ own: true, args })
  const client = kind === 'cluster' ? new Cluster([server.url]) : new Redis(server.url)
  t.after(async () => {
    client.disconnect()
    await server.stop()
  })
  const options = (changes: Partial<LoadOptions> & Pick<LoadOptions, 'files'>): LoadOptions => ({
    target: { url: server.url, cluster: kind === 'cluster', prefix: 'pr:' },
    manifest: countManifest(),
    version: 'v1',
    verify: true,
    grace_ms: 0,
    lock_wait_ms: 0,
    job: quietJob(),
    ...changes,
  })
  const keys = async () => {
    const nodes = client instanceof Cluster ? client.nodes('master') : [client]
    return (await Promise.all(nodes.map((node) => node.keys('*')))).flat().sort()
  }
  return { client, options, keys, url: server.url }
}

/** Does something on another connection once the load has begun to write. */
export function whileWriting(work: () => unknown) {
  let done = false
  const advance = () => {
    if (!done) work()
    done = true
  }
  return { ...quietJob(), progress: { ...silentProgress(), step: () => ({ advance, finish() {} }) } }
}
