/** Redis on loopback with the demo bundle's features in both layouts, requests that read them, and live counts beside them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { liveField } from '../../src/features/live_counts.ts'
import { type ReadPlan, readPlanner } from '../../src/features/plan.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import type { PrerankRequest } from '../../src/prerank/request.ts'
import { openRedisStore } from '../../src/store/redis.ts'
import type { FeatureStore } from '../../src/store/store.ts'
import { startRedis } from '../../test/lib/redis.ts'
import { loadFeatures, PREFIX } from '../peers/features.ts'
import { drawHead, readCatalogue } from '../service/workload.ts'

const BUNDLE = join(import.meta.dirname, '..', '..', 'models', 'demo')
const REQUESTS = 64
const LIVE_EVENTS = 50
const LIMITS = {
  ...{ ids_ttl_ms: 60_000, ids_max: 1000, sequence_ttl_ms: 86_400_000 },
  ...{ live_days: 3, live_items_max: 1000 },
}

export type PlannedRequest = { request: PrerankRequest; plan: ReadPlan }

export type Bed = {
  manifest: Manifest
  table: ItemTable
  redis: Redis
  requests: PlannedRequest[]
  now_ms: number
  store(cache_bytes: number): Promise<FeatureStore>
  close(): Promise<void>
}

export async function openBed(): Promise<Bed> {
  const manifest: Manifest = JSON.parse(readFileSync(join(BUNDLE, 'manifest.json'), 'utf8'))
  const catalogue = await readCatalogue(BUNDLE)
  const server = await startRedis()
  await loadFeatures({ bundle: BUNDLE, redis_url: server.url })
  const planReads = readPlanner(manifest)
  const requests = Array.from({ length: REQUESTS }, (_, seed): PlannedRequest => {
    const { query, user } = drawHead(catalogue, { top_k: 1000, seed })
    const request = { query, user, candidates: { keys: new BigUint64Array() } }
    return { request, plan: planReads(request) }
  })
  const store = (bytes_max: number) =>
    openRedisStore({
      ...{ url: server.url, cluster: false, connect_timeout_ms: 1000, prefix: PREFIX, deadline_ms: 1000 },
      cache: { bytes_max, ttl_ms: 600_000 },
    })
  const now_ms = Date.now()
  await writeLive(await store(0), {
    requests,
    now_ms,
    keys: catalogue.keys,
    action: Object.values(manifest.actions)[0],
  })
  const redis = new Redis(server.url)
  const table = ItemTable.open(join(BUNDLE, 'items.table'))
  return {
    ...{ manifest, table, redis, requests, now_ms, store },
    async close() {
      redis.disconnect()
      table.close()
      await server.stop()
    },
  }
}

type Live = { requests: PlannedRequest[]; now_ms: number; keys: BigUint64Array; action: number }

/** Every query and token has seen some engagements today. */
async function writeLive(store: FeatureStore, { requests, now_ms, keys, action }: Live): Promise<void> {
  const live_keys = new Set(requests.flatMap(({ plan }) => plan.read.live))
  for (const key of live_keys) {
    const events = Array.from({ length: LIVE_EVENTS }, (_, index) => ({
      id: Uint8Array.from(Buffer.from(`${index}`.padStart(8, '0'))),
      value: liveField({ key: keys[(index * 97) % keys.length], action, time_ms: now_ms }),
    }))
    const [written] = await store.write([{ kind: 'live_counts', key, events }], {
      now_ms,
      deadline_ms: 5000,
      limits: LIMITS,
    })
    if (!Array.isArray(written)) throw written
  }
  await store.close()
}
