/**
 * The query tower as a pool of worker threads with dynamic micro-batching. An idle worker takes what one turn of the event
 * loop has queued: features of several requests come in one piece from the store, and one run and one wake-up of the
 * worker serve all of them. A lone request does not wait: its turn ends once its own work has. While all workers are busy
 * requests gather, and the next free one runs them as one batch. With `wait_ms_max` a worker that is idle beside busy ones
 * holds back that long for a fuller batch.
 *
 * A worker that dies is replaced, by one with the same model, and its requests run once more; a batch that the model refuses runs again row by row, so
 * that one bad request does not fail its neighbours. A request whose signal aborts leaves the queue without running.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { TowerError } from './errors.ts'
import type { TowerFeed } from './inputs.ts'
import { createJob, type Job, rejectAll } from './job.ts'
import { WorkerReserve } from './reserve.ts'
import type { TowerOptions, TowerWorker } from './tower_worker.ts'

const RESTART_MS_MIN = 50
const RESTART_MS_MAX = 5000
/** Of the last batch in the mean time of a row. */
const ROW_WEIGHT = 0.1

export type TowerPoolOptions = Omit<TowerOptions, 'model_file' | 'onDeath' | 'warm_up_share'> & {
  /** Where its workers come from and go back to; without one they start and end with the pool. */
  reserve?: WorkerReserve
  /** Below 1 workers start one after the other, and rest while they warm up. */
  warm_up_share?: number
  threads: number
  wait_ms_max: number
  queue_max: number
  onBatch?: (batch: { rows: number; run_ms: number }) => void
  onCrash?: (error: Error) => void
}

export class TowerPool {
  readonly #options: TowerPoolOptions
  readonly #model_file: FileHandle
  readonly #tower: Omit<TowerOptions, 'onDeath'>
  readonly #reserve: WorkerReserve
  readonly #workers = new Set<TowerWorker>()
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #idle: TowerWorker[] = []
  #queue: Job[] = []
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  #broken: TowerError | null = null
  #row_ms = 0

  /** Resolves when every worker is warm; rejects, with nothing left running, when one cannot start. */
  static async start(options: TowerPoolOptions): Promise<TowerPool> {
    const pool = new TowerPool(options, await open(options.model))
    try {
      await pool.#startWorkers()
      return pool
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  private constructor(options: TowerPoolOptions, model_file: FileHandle) {
    const { model, model_sha256, inputs, output, batch_max, intra_op_threads, warm_up_share = 1 } = options
    const identity = { model, model_file: model_file.fd, model_sha256 }
    this.#options = options
    this.#model_file = model_file
    this.#tower = { ...identity, inputs, output, batch_max, intra_op_threads, warm_up_share }
    this.#reserve = options.reserve ?? new WorkerReserve({ count: options.threads })
  }

  /** Requests that wait for a worker. */
  get depth(): number {
    return this.#queue.length
  }

  /** Why every request fails now, no worker being left; null as soon as one has started. */
  get broken(): TowerError | null {
    return this.#broken
  }

  /** How long a request that comes now would wait, from what a row took lately. */
  get wait_ms(): number {
    return (this.#queue.length * this.#row_ms) / Math.max(1, this.#workers.size)
  }

  /** How long the first one has waited. */
  get oldest_ms(): number {
    return this.#queue.length > 0 ? performance.now() - this.#queue[0].queued_ms : 0
  }

  /** One row in, its output row back (H×D for the query tower). Rejects with a TowerError, or the signal's reason. */
  run(feed: TowerFeed, { signal }: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const refusal = this.#refusal()
    if (refusal) return Promise.reject(refusal)
    const onAbandon = (abandoned: Job) => {
      this.#queue = this.#queue.filter((queued) => queued !== abandoned)
    }
    const { job, output } = createJob({ feed, signal, onAbandon })
    this.#queue.push(job)
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#dispatch()
    })
    return output
  }

  /** What runs is answered, what waits is rejected. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#rejectQueued(new TowerError('closed', 'tower pool closed'))
    await Promise.all(this.#running)
    await Promise.all([...this.#workers].map((worker) => this.#reserve.giveBack(worker)))
    if (!this.#options.reserve) await this.#reserve.close()
    await this.#model_file.close()
  }

  #refusal(): TowerError | null {
    if (this.#closing.signal.aborted) return new TowerError('closed', 'tower pool closed')
    if (this.#broken) return this.#broken
    const { queue_max, batch_max } = this.#options
    // What idle workers take at the end of this turn does not wait.
    if (this.#queue.length < queue_max + this.#idle.length * batch_max) return null
    return new TowerError('overloaded', `tower queue is full: ${queue_max} requests wait`)
  }

  #dispatch(): void {
    clearTimeout(this.#timer)
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const wait_ms = this.#holdBack()
      if (wait_ms > 0) {
        this.#timer = setTimeout(() => this.#dispatch(), wait_ms)
        return
      }
      const running = this.#runBatch(this.#idle.pop()!, this.#takeBatch()).finally(() => this.#running.delete(running))
      this.#running.add(running)
    }
  }

  /** How long an idle worker still waits for a fuller batch. */
  #holdBack(): number {
    const { wait_ms_max, batch_max } = this.#options
    const lone = this.#idle.length === this.#workers.size
    if (lone || this.#queue.length >= batch_max) return 0
    return Math.ceil(this.#queue[0].queued_ms + wait_ms_max - performance.now())
  }

  /** Up to the next request on its second try, which runs alone. */
  #takeBatch(): Job[] {
    const first_retry = this.#queue.findIndex((job) => job.retried)
    const rows = first_retry < 0 ? this.#options.batch_max : Math.max(first_retry, 1)
    return this.#queue.splice(0, Math.min(rows, this.#options.batch_max))
  }

  async #runBatch(worker: TowerWorker, batch: Job[]): Promise<void> {
    const started_ms = performance.now()
    try {
      for (const [row, job] of batch.entries()) worker.load(row, job.feed)
      await worker.run(batch.length)
      for (const [row, job] of batch.entries()) job.resolve(worker.output(row))
      const run_ms = performance.now() - started_ms
      this.#row_ms += ROW_WEIGHT * (run_ms / batch.length - this.#row_ms)
      this.#options.onBatch?.({ rows: batch.length, run_ms })
    } catch (error) {
      this.#retry(batch, error)
    }
    if (worker.alive) this.#idle.push(worker)
    this.#dispatch()
  }

  #retry(batch: Job[], error: unknown): void {
    const kind = error instanceof TowerError && !this.#closing.signal.aborted ? error.kind : 'closed'
    const again = kind === 'crashed' || (kind === 'failed' && batch.length > 1)
    const retries = again ? batch.filter((job) => !job.retried && !job.isAbandoned()) : []
    rejectAll(
      batch.filter((job) => !retries.includes(job)),
      error,
    )
    for (const job of retries) job.retried = true
    this.#queue.unshift(...retries)
  }

  async #startWorkers(): Promise<void> {
    const { threads, warm_up_share = 1 } = this.#options
    if (warm_up_share < 1) {
      for (let started = 0; started < threads; started++) await this.#startWorker()
      return
    }
    const started = await Promise.allSettled(Array.from({ length: threads }, () => this.#startWorker()))
    const failure = started.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
  }

  async #startWorker(): Promise<void> {
    const worker = this.#reserve.take()
    try {
      await worker.open({ ...this.#tower, onDeath: (error) => this.#replace(worker, error) })
      this.#closing.signal.throwIfAborted()
    } catch (error) {
      await this.#reserve.giveBack(worker)
      throw error
    }
    this.#workers.add(worker)
    this.#idle.push(worker)
    this.#broken = null
    this.#dispatch()
  }

  #replace(worker: TowerWorker, error: TowerError): void {
    this.#options.onCrash?.(error)
    this.#workers.delete(worker)
    this.#idle = this.#idle.filter((idle) => idle !== worker)
    void this.#reserve.giveBack(worker)
    void this.#restart()
  }

  async #restart(): Promise<void> {
    for (
      let delay_ms = RESTART_MS_MIN;
      !this.#closing.signal.aborted;
      delay_ms = Math.min(2 * delay_ms, RESTART_MS_MAX)
    ) {
      try {
        return await this.#startWorker()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#options.onCrash?.(error as Error)
        this.#giveUpWithoutWorkers(error as Error)
        await sleep(delay_ms, undefined, { signal: this.#closing.signal }).catch(() => {})
      }
    }
  }

  /** Requests are told at once while no worker is left; the next one that starts ends this. */
  #giveUpWithoutWorkers(error: Error): void {
    if (this.#workers.size > 0) return
    // Callers see the message; the cause, with its paths, is for the log.
    this.#broken = new TowerError('crashed', 'no tower worker can be started', { cause: error })
    this.#rejectQueued(this.#broken)
  }

  #rejectQueued(error: TowerError): void {
    rejectAll(this.#queue.splice(0), error)
  }
}
