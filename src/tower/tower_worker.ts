/**
 * One worker thread with its shared memory, seen from the main thread. Signals are posted messages of one number. Beside a
 * computation of 80 µs they cost about 30 µs of latency and of processor time, Atomics.wait and Atomics.waitAsync the same within
 * noise (`npm run bench -- tower`), and a worker that waits in its event loop can be asked to stop.
 */
import { Worker } from 'node:worker_threads'
import { TowerError } from './errors.ts'
import type { TowerFeed } from './inputs.ts'
import { elementsOf, sharedBytes, sharedViews, type TensorSpec, type TensorView } from './layout.ts'
import type { SessionMessage, SessionOptions } from './session.ts'
import './telemetry.ts'

export type TowerWorkerOptions = Omit<SessionOptions, 'memory'> & {
  /** What the thread runs. */
  entry: URL
  /** Called once when the thread ends without having been closed. */
  onDeath: (error: TowerError) => void
}

type Waiter = { resolve: () => void; reject: (error: TowerError) => void }

export class TowerWorker {
  readonly #worker: Worker
  readonly #views: TensorView[]
  readonly #output: TensorSpec
  readonly #onDeath: (error: TowerError) => void
  #waiter: Waiter | null = null
  #death: TowerError | null = null

  /** Resolves when the model is loaded and every batch size has run once. */
  static async start(options: TowerWorkerOptions): Promise<TowerWorker> {
    const worker = new TowerWorker(options)
    try {
      await worker.#answer()
      return worker
    } catch (error) {
      await worker.close()
      throw error
    }
  }

  private constructor({ entry, onDeath, ...options }: TowerWorkerOptions) {
    const tensors = [...options.inputs, options.output]
    const memory = new SharedArrayBuffer(sharedBytes(tensors, options.batch_max))
    this.#output = options.output
    this.#onDeath = onDeath
    this.#views = sharedViews(memory, tensors, options.batch_max)
    this.#worker = new Worker(entry, { name: 'tower', workerData: { ...options, memory } satisfies SessionOptions })
    this.#worker.on('message', (message: SessionMessage) => this.#received(message))
    this.#worker.on('error', (error) => this.#died(`tower worker crashed: ${error.message}`, error))
    this.#worker.on('exit', (code) => this.#died(`tower worker exited with code ${code}`))
  }

  get alive(): boolean {
    return this.#death === null
  }

  /** Copies a request's inputs into one row of the next batch. */
  load(row: number, feed: TowerFeed): void {
    for (const [index, values] of feed.entries()) this.#views[index].set(values, row * values.length)
  }

  /** Runs the first rows; rejects with `failed` when the model refuses them and with `crashed` when the thread dies. */
  run(rows: number): Promise<void> {
    if (this.#death) return Promise.reject(this.#death)
    const answer = this.#answer()
    this.#worker.postMessage(rows)
    return answer
  }

  /** A copy of one row of the output. */
  output(row: number): Float32Array {
    const width = elementsOf(this.#output)
    return new Float32Array(this.#views[this.#views.length - 1].subarray(row * width, (row + 1) * width))
  }

  async close(): Promise<void> {
    this.#end(new TowerError('closed', 'tower pool closed'))
    await this.#worker.terminate()
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  #received(message: SessionMessage): void {
    const waiter = this.#waiter
    this.#waiter = null
    if ('failed' in message) waiter?.reject(new TowerError('failed', message.failed))
    else waiter?.resolve()
  }

  #died(reason: string, cause?: Error): void {
    if (this.#death) return
    const error = new TowerError('crashed', reason, { cause })
    this.#end(error)
    this.#onDeath(error)
  }

  #end(error: TowerError): void {
    this.#death ??= error
    this.#waiter?.reject(error)
    this.#waiter = null
  }
}
