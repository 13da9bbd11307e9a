#!/usr/bin/env node
/** The service: composition root and its life, from the first log line to the last request. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Config, ConfigError, readConfig } from './config.ts'
import { widenHeapGrowth } from './heap_growth.ts'
import type { Host } from './http/host.ts'
import { listen } from './listen.ts'
import { createLogger } from './logger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openServing } from './open_serving.ts'
import { createStores } from './open_store.ts'
import type { Serving } from './prerank/serving.ts'
import { Reloader } from './reload/reloader.ts'
import type { Trigger } from './reload/status.ts'
import { watchPointer } from './reload/watch_pointer.ts'
import { WorkerReserve } from './tower/reserve.ts'

export type Service = {
  url: string
  /** Null where the admin side has no port of its own. */
  admin_url: string | null
  /** Resolves when requests are answered; rejects when the bundle cannot be served. */
  ready: Promise<void>
  /** Looks at the configured bundle again; logs what comes of it. */
  reload(): Promise<void>
  /** Readiness goes off, the address closes after `shutdown_delay_ms`, requests in flight finish within `shutdown_timeout_ms`. */
  stop(): Promise<void>
}

export type ServiceOptions = { config: Config; logger: Logger }

/** Listens at once, so that /healthz and /readyz answer while the bundle is loaded. */
export async function startService({ config, logger }: ServiceOptions): Promise<Service> {
  widenHeapGrowth()
  const metrics = createMetrics()
  const host: Host = { serving: null, not_ready: 'the bundle is being loaded' }
  const stores = createStores({ config, metrics })
  const reserve = new WorkerReserve({ count: 2 * config.tower_workers, nice: config.compute_nice })
  const reloader = new Reloader({
    bundle_dir: config.bundle_dir,
    open: (directory, pace) => openServing(directory, { config, metrics, logger, stores, reserve, pace }),
    onSwap: (serving) => take(serving, { host, metrics }),
    metrics,
    logger,
  })
  const listening = await listen({ config, host, reloader, metrics, logger })
  const starting = reloader.start()
  let unwatch = () => {}
  const ready = starting.then(() => {
    if (!host.is_stopping) unwatch = watch(reloader, config)
  })
  const stop = async () => {
    host.is_stopping = true
    host.not_ready = 'the service is shutting down'
    unwatch()
    await sleep(config.shutdown_delay_ms)
    await listening.close(config.shutdown_timeout_ms)
    const closed = reloader.close().then(() => Promise.all([stores.close(), reserve.close()]))
    await Promise.race([closed, sleep(config.shutdown_timeout_ms, undefined, { ref: false })])
  }
  const { url, admin_url } = listening
  return { url, admin_url, ready, reload: () => reloadQuietly(reloader, 'signal'), stop }
}

function take(serving: Serving, { host, metrics }: { host: Host; metrics: Metrics }) {
  const { manifest, table, tower } = serving.bundle
  const { name, version, fingerprint } = manifest
  host.serving = serving
  if (!host.is_stopping) host.not_ready = null
  metrics.bundle.reset()
  metrics.bundle.set({ name, version, fingerprint }, 1)
  metrics.watchTowerQueue(() => tower.depth)
  metrics.watchTable(() => table.lost)
}

function watch(reloader: Reloader, { bundle_dir, bundle_poll_ms }: Config): () => void {
  const { serving } = reloader.status()
  if (bundle_poll_ms === 0 || !serving) return () => {}
  return watchPointer({
    bundle_dir,
    poll_ms: bundle_poll_ms,
    known: serving.directory,
    async onChange(target) {
      // A reload that was asked for may open that very bundle.
      await reloader.idle()
      if (target !== reloader.status().serving?.directory) await reloadQuietly(reloader, 'pointer')
    },
  })
}

/** Nobody waits for an answer: the log and the metrics say what came of it. */
async function reloadQuietly(reloader: Reloader, trigger: Trigger): Promise<void> {
  await reloader.reloadNext(trigger).catch(() => {})
}

/** By itself the process ends sooner. */
const EXIT_MS = 500

async function main() {
  const config = readConfig()
  const logger = createLogger(config.log_level)
  try {
    await run({ config, logger })
  } catch (error) {
    logger.fatal({ err: error }, `cannot serve: ${(error as Error).message}`)
    process.exit(1)
  }
}

async function run(options: ServiceOptions) {
  const { logger } = options
  const signalled = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const service = await startService(options)
  process.on('SIGHUP', service.reload)
  // Once a signal came, a start that it ends is no failure.
  await Promise.race([service.ready.then(() => signalled), signalled])
  logger.info('stopping')
  await service.stop()
  logger.info('stopped')
  // Whoever stops the service while it still loads a bundle does not wait for that.
  setTimeout(() => process.exit(0), EXIT_MS).unref()
}

if (import.meta.main) {
  main().catch((error: Error) => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : error.stack}\n`)
    process.exit(1)
  })
}
