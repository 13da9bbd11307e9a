/** The server's own pipeline in this process, over a bundle and either its snapshots or a Redis. */
import { openBundle } from '../../bundle/bundle.ts'
import type { Precision } from '../../bundle/manifest.ts'
import { loadKernel } from '../../kernel/load.ts'
import { createServing, type Serving } from '../../prerank/serving.ts'
import { openEmbeddedStore } from '../../store/embedded.ts'
import { openRedisStore } from '../../store/redis.ts'
import { snapshotFiles } from '../../store/snapshot_files.ts'
import type { FeatureStore } from '../../store/store.ts'
import type { Target } from '../load/client.ts'
import type { Resources } from '../run/job.ts'

/** An evaluation has time: late features would be another experiment. */
const DEADLINE_MS = 30_000
const CONNECT_MS_MAX = 5000
const TOP_K_MAX = 4_000_000

export type EvalServingOptions = {
  directory: string
  precision?: Precision
  redis?: Target
  resources: Resources
}

export async function openEvalServing(
  options: EvalServingOptions,
): Promise<{ serving: Serving; close(): Promise<void> }> {
  const { directory, precision, resources } = options
  const store = await openStore(options)
  try {
    const bundle = await openBundle(directory, {
      precision,
      // One request at a time: dynamic int8 takes its scale from the whole batch, and results must not depend on neighbours.
      tower: { threads: 1, intra_op_threads: resources.threads, batch_max: 1, wait_ms_max: 0, queue_max: 1 },
    })
    const limits = { top_k_default: TOP_K_MAX, store_deadline_ms: DEADLINE_MS, explain_max: 1 }
    const serving = createServing({ bundle, kernel: loadKernel().kernel, store, limits })
    return {
      serving,
      async close() {
        await bundle.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openStore({ directory, redis, resources }: EvalServingOptions): Promise<FeatureStore> {
  if (redis) {
    return openRedisStore({
      ...redis,
      connect_timeout_ms: CONNECT_MS_MAX,
      deadline_ms: DEADLINE_MS,
      cache: { bytes_max: 0, ttl_ms: 1 },
    })
  }
  const paths = snapshotFiles(directory)
  return openEmbeddedStore(paths, { bytes_max: resources.memory_bytes })
}
