/** Opens what requests are answered with: bundle, kernel and store, verified against the bundle's golden requests. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Bundle, openBundle } from './bundle/bundle.ts'
import { describeGolden } from './bundle/golden.ts'
import type { Config } from './config.ts'
import { loadKernel } from './kernel/load.ts'
import type { Metrics } from './metrics.ts'
import { createServing, type Serving } from './prerank/serving.ts'
import { verifyGolden } from './prerank/verify.ts'
import { openEmbeddedStore } from './store/embedded.ts'
import { openRedisStore } from './store/redis.ts'
import type { FeatureStore } from './store/store.ts'

export type OpenOptions = { config: Config; metrics: Metrics; logger: Logger }
export type OpenServing = { serving: Serving; close(): Promise<void> }

/** Nothing stays open when it rejects. */
export async function openServing(options: OpenOptions): Promise<OpenServing> {
  const { config, metrics, logger } = options
  const start_ms = performance.now()
  const { kernel, reason } = loadKernel(config.kernel === 'auto' ? undefined : config.kernel)
  const opened: { close(): Promise<void> }[] = []
  const close = async () => {
    await Promise.all(opened.map((part) => part.close()))
  }
  try {
    const bundle = await openConfiguredBundle(options)
    opened.push(bundle)
    const store = await openStore(options)
    opened.push(store)
    const serving = createServing({ bundle, kernel, store, limits: config })
    const golden = await verifyGolden(serving)
    const { name, version, fingerprint } = bundle.manifest
    metrics.bundle.set({ name, version, fingerprint }, 1)
    logger.info(
      {
        bundle: { name, version, fingerprint, items: bundle.table.info.rows },
        kernel: { name: kernel.name, reason },
        tower: bundle.precision,
        store: store.state(),
        golden: describeGolden(golden),
        open_ms: Math.round(performance.now() - start_ms),
      },
      'ready',
    )
    return { serving, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openConfiguredBundle({ config, metrics, logger }: OpenOptions): Promise<Bundle> {
  const bundle = await openBundle(config.bundle_dir, {
    precision: config.tower_precision === 'manifest' ? undefined : config.tower_precision,
    tower: {
      threads: config.tower_workers,
      intra_op_threads: config.tower_threads,
      batch_max: config.tower_batch_max,
      wait_ms_max: config.tower_batch_wait_ms,
      queue_max: config.tower_queue_max,
      onBatch: ({ rows }) => metrics.towerBatch.observe(rows),
      onCrash: (error) => logger.error({ err: error }, 'tower worker died'),
    },
  })
  metrics.watchTowerQueue(() => bundle.tower.depth)
  metrics.watchTable(() => bundle.table.lost)
  return bundle
}

function openStore({ config, metrics }: OpenOptions): Promise<FeatureStore> {
  if (!config.redis_url) {
    const paths = globSync(join(config.bundle_dir, 'features', '*.snapshot')).sort()
    return openEmbeddedStore(paths, {
      bytes_max: config.embedded_bytes_max,
      live_keys_max: config.embedded_live_keys_max,
    })
  }
  return openRedisStore({
    url: config.redis_url,
    cluster: config.redis_cluster === 'true',
    connect_timeout_ms: config.redis_connect_timeout_ms,
    prefix: config.redis_prefix,
    deadline_ms: config.store_deadline_ms,
    cache: { bytes_max: config.blob_cache_bytes, ttl_ms: config.blob_cache_ttl_ms },
    onCacheRead({ hits, misses }) {
      metrics.blobCache.inc({ outcome: 'hit' }, hits)
      metrics.blobCache.inc({ outcome: 'miss' }, misses)
    },
  })
}
