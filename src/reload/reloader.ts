/**
 * Owner of the serving bundle. A new one is opened, verified, replayed against its golden requests and warmed beside the
 * serving one, at a pace that leaves the machine to the requests; then it takes over between two requests. A request keeps
 * the serving that it began with, and the old one closes when the last of those ends. A bundle that cannot be served
 * changes nothing.
 *
 * One at a time: a second reload is refused rather than joined, since it may mean another bundle.
 *
 * Of the previous bundle only directory and fingerprint are kept. Held open it would make a rollback instant, but cost the
 * memory of two tables and towers all day; opened again, it is also verified again. It is the last one from another
 * directory: what was in this directory before is gone.
 */
import type { Logger } from 'pino'
import { locateBundle } from '../bundle/locate.ts'
import { createPace, type Pace } from '../bundle/pace.ts'
import { ServiceError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { OpenServing } from '../open_serving.ts'
import type { Serving } from '../prerank/serving.ts'
import { type BundleName, type BundlesStatus, RELOAD_OUTCOMES, type ReloadReport, type Trigger } from './status.ts'

/** Of one core, for opening a bundle beside the serving one. */
const SHARE = 0.25
const REASON_CHARACTERS_MAX = 4000

export type ReloaderOptions = {
  /** BUNDLE_DIR: a bundle, or a directory of bundles (see locate.ts). */
  bundle_dir: string
  open(directory: string, pace: Pace): Promise<OpenServing>
  /** From now on this one answers. */
  onSwap(serving: Serving): void
  metrics: Metrics
  logger: Logger
}

export type ReloadOptions = { trigger: Trigger; name?: string }

type Opened = OpenServing & { since_ms: number }

export class Reloader {
  readonly #options: ReloaderOptions
  readonly #closing = new AbortController()
  #opened: Opened | null = null
  #previous: BundleName | null = null
  #running: Promise<unknown> | null = null
  /** Waits for the running one to end. */
  #next: Promise<BundlesStatus> | null = null
  #last: ReloadReport | null = null
  #retiring = new Set<Promise<void>>()

  constructor(options: ReloaderOptions) {
    this.#options = options
    // A series that appears with the first rejection has no increase for an alert to see.
    for (const outcome of RELOAD_OUTCOMES) options.metrics.reloads.inc({ outcome }, 0)
  }

  /** Opens the first bundle, at full speed; rejects when it cannot be served. */
  start(): Promise<void> {
    return this.#alone(async () => {
      const directory = await locateBundle(this.#options.bundle_dir)
      const opened = await this.#open(directory, this.#pace(1))
      this.#options.logger.info({ directory, ...opened.details }, 'ready')
    })
  }

  /** Resolves after the swap. Rejects with `bundle_rejected` and the reason, or `reload_in_progress`. */
  reload({ trigger, name }: ReloadOptions): Promise<BundlesStatus> {
    return this.#alone(() => this.#replace(trigger, () => locateBundle(this.#options.bundle_dir, name)))
  }

  /**
   * As soon as no other reload runs: what was asked for after that one began may not be what it opens. Whoever asks while one
   * waits already joins it.
   */
  reloadNext(trigger: Trigger): Promise<BundlesStatus> {
    if (!this.#running) return this.reload({ trigger })
    this.#next ??= this.#reloadAfter(this.#running, trigger)
    return this.#next
  }

  /** Resolves once no reload runs or waits. */
  async idle(): Promise<void> {
    while (this.#running || this.#next) await (this.#next ?? this.#running)?.catch(() => {})
  }

  /** Back to the bundle that served before; again, and forth. */
  rollback(): Promise<BundlesStatus> {
    const previous = this.#previous
    if (!previous && !this.#running)
      return Promise.reject(
        new ServiceError('no_previous_bundle', {
          found: `only ${this.#opened ? directoryOf(this.#opened) : 'the first one'}`,
          expected: 'a reload from another directory before',
        }),
      )
    return this.#alone(() => this.#replace('rollback', async () => previous!.directory, previous!.fingerprint))
  }

  status(): BundlesStatus {
    return {
      serving: this.#opened && { ...nameOf(this.#opened), since_ms: this.#opened.since_ms },
      previous: this.#previous,
      is_reloading: this.#running !== null,
      last_reload: this.#last,
    }
  }

  /** Ends a reload that runs, waits for the requests that hold a serving, and closes all. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the service is shutting down'))
    await this.#running?.catch(() => {})
    if (this.#opened) this.#retire(this.#opened)
    await Promise.all(this.#retiring)
  }

  async #reloadAfter(running: Promise<unknown>, trigger: Trigger): Promise<BundlesStatus> {
    await running.catch(() => {})
    this.#next = null
    return this.reloadNext(trigger)
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running) throw new ServiceError('reload_in_progress', { expected: 'one at a time, later' })
    this.#closing.signal.throwIfAborted()
    const running = work()
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = null
    }
  }

  async #replace(trigger: Trigger, locate: () => Promise<string>, fingerprint?: string): Promise<BundlesStatus> {
    const { logger } = this.#options
    const started_ms = Date.now()
    const start_ms = performance.now()
    let directory: string | null = null
    const report = (outcome: ReloadReport['outcome'], reason: string | null) => {
      const duration_ms = Math.round(performance.now() - start_ms)
      this.#record({ trigger, outcome, directory, reason, started_ms, duration_ms })
    }
    try {
      directory = await locate()
      const opened = await this.#open(directory, this.#pace(SHARE), fingerprint)
      report('swapped', null)
      logger.info({ ...this.#last, ...opened.details }, 'bundle swapped')
    } catch (error) {
      this.#closing.signal.throwIfAborted()
      const reason = (error as Error).message.slice(0, REASON_CHARACTERS_MAX)
      report('rejected', reason)
      logger.error({ ...this.#last, err: error }, 'bundle rejected')
      throw new ServiceError('bundle_rejected', { reason }, { cause: error })
    }
    return { ...this.status(), is_reloading: false }
  }

  #record(report: ReloadReport): void {
    const { metrics } = this.#options
    const { outcome } = report
    this.#last = report
    metrics.reloads.inc({ outcome })
    metrics.reload.observe({ outcome }, report.duration_ms / 1000)
  }

  #pace(share: number): Pace {
    return createPace({ share, signal: this.#closing.signal })
  }

  async #open(directory: string, pace: Pace, fingerprint?: string): Promise<Opened> {
    const opened = { ...(await this.#options.open(directory, pace)), since_ms: Date.now() }
    try {
      this.#closing.signal.throwIfAborted()
      const found = nameOf(opened).fingerprint
      if (fingerprint !== undefined && found !== fingerprint)
        throw new Error(
          `${directory}: found fingerprint ${found}, expected ${fingerprint}, that of the previous bundle`,
        )
    } catch (error) {
      await opened.close()
      throw error
    }
    this.#swap(opened)
    return opened
  }

  #swap(opened: Opened): void {
    const before = this.#opened
    this.#opened = opened
    this.#options.onSwap(opened.serving)
    if (!before) return
    if (directoryOf(before) !== directoryOf(opened)) this.#previous = nameOf(before)
    this.#retire(before)
  }

  #retire({ serving, close }: Opened): void {
    const retired = serving.holds
      .ended()
      .then(close)
      .catch((error: Error) => this.#options.logger.error({ err: error }, 'a bundle did not close'))
      .finally(() => this.#retiring.delete(retired))
    this.#retiring.add(retired)
  }
}

const directoryOf = ({ serving }: Opened) => serving.bundle.directory

function nameOf({ serving }: Opened): BundleName {
  const { manifest, directory } = serving.bundle
  const { name, version, fingerprint } = manifest
  return { name, version, fingerprint, directory }
}
