/** Opens what requests are answered with: bundle, kernel and store, verified against the bundle's golden requests. */
import type { Logger } from 'pino'
import { openBundle } from './bundle/bundle.ts'
import { describeGolden } from './bundle/golden.ts'
import type { Pace } from './bundle/pace.ts'
import type { Config } from './config.ts'
import { loadKernel } from './kernel/load.ts'
import { trimMemory } from './kernel/trim.ts'
import type { Metrics } from './metrics.ts'
import type { Stores } from './open_store.ts'
import { createServing, type Serving } from './prerank/serving.ts'
import { verifyGolden } from './prerank/verify.ts'
import type { WorkerReserve } from './tower/reserve.ts'

export type OpenOptions = {
  config: Config
  metrics: Metrics
  logger: Logger
  stores: Stores
  /** Threads for the query tower. */
  reserve: WorkerReserve
}
/** `details` are for the log. */
export type OpenServing = { serving: Serving; details: Record<string, unknown>; close(): Promise<void> }

/** Nothing stays open when it rejects. */
export async function openServing(
  directory: string,
  { pace, ...options }: OpenOptions & { pace: Pace },
): Promise<OpenServing> {
  const { config, stores } = options
  const choice = config.prerank_kernel === 'auto' ? undefined : config.prerank_kernel
  const { kernel, reason } = loadKernel(choice, { nice: config.compute_nice })
  const opened: { close(): Promise<void> }[] = []
  const close = async () => {
    await Promise.all(opened.map((part) => part.close()))
    await trimMemory()
  }
  try {
    const bundle = await openBundle(directory, bundleOptions(options, pace))
    opened.push(bundle)
    const store = await stores.open(directory)
    opened.push(store)
    const serving = createServing({ bundle, kernel, store, limits: config })
    const golden = await verifyGolden(serving, pace)
    const { name, version, fingerprint } = bundle.manifest
    const details = {
      bundle: { name, version, fingerprint, items: bundle.table.info.rows },
      kernel: { name: kernel.name, reason },
      tower: bundle.precision,
      store: store.state(),
      golden: describeGolden(golden),
    }
    return { serving, details, close }
  } catch (error) {
    await close()
    throw error
  }
}

function bundleOptions({ config, metrics, logger, reserve }: OpenOptions, pace: Pace) {
  return {
    precision: config.tower_precision === 'manifest' ? undefined : config.tower_precision,
    pace,
    tower: {
      reserve,
      threads: config.tower_workers,
      intra_op_threads: config.tower_threads,
      batch_max: config.tower_batch_max,
      wait_ms_max: config.tower_batch_wait_ms,
      queue_max: config.tower_queue_max,
      onBatch: ({ rows }: { rows: number }) => metrics.towerBatch.observe({}, rows),
      onCrash: (error: Error) => logger.error({ err: error }, 'tower worker died'),
    },
  }
}
