/**
 * The feature store of a serving. Redis connections and the blob cache belong to the process: a new bundle reads through
 * them as the old one did. What the cache keeps are bytes under their full key, which hold for every bundle; what a bundle
 * makes of them is remembered by its own reader. The bundle's own features are opened with every bundle; what engagements
 * changed since the start lies over those of the next one too.
 */
import type { Config } from './config.ts'
import type { Metrics } from './metrics.ts'
import { openEmbeddedStore } from './store/embedded.ts'
import { createEmbeddedWrites } from './store/embedded_writes.ts'
import { openRedisStore } from './store/redis.ts'
import { snapshotFiles } from './store/snapshot_files.ts'
import type { FeatureStore } from './store/store.ts'

export type Stores = {
  /** To be closed by who asked for it, which leaves what is shared open. */
  open(bundle_directory: string): Promise<FeatureStore>
  close(): Promise<void>
}

export function createStores({ config, metrics }: { config: Config; metrics: Metrics }): Stores {
  const { redis_url } = config
  return redis_url ? redisStores({ config, metrics, redis_url }) : embeddedStores(config)
}

function embeddedStores({ embedded_bytes_max, embedded_live_bytes_max }: Config): Stores {
  const changed = createEmbeddedWrites({ bytes_max: embedded_live_bytes_max })
  return {
    open: (directory) =>
      openEmbeddedStore(snapshotFiles(directory), {
        bytes_max: embedded_bytes_max,
        changed,
      }),
    async close() {},
  }
}

type RedisOptions = { config: Config; metrics: Metrics; redis_url: string }

function redisStores({ config, metrics, redis_url }: RedisOptions): Stores {
  let opening: Promise<FeatureStore> | null = null
  const open = () =>
    openRedisStore({
      url: redis_url,
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
  return {
    async open() {
      opening ??= open()
      return { ...(await opening), async close() {} }
    },
    async close() {
      await (await opening)?.close()
    },
  }
}
