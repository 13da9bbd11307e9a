/**
 * A worker thread, seen from the main thread, and the memory it shares. It runs one tower at a time and outlives it: what a
 * thread needs before it can run any (an isolate, its modules, ONNX Runtime) is 0.2 s of a core in one piece, which a reload
 * would take from the requests beside it.
 *
 * Signals are posted messages of one number or null. Beside a computation of 80 µs they cost about 30 µs of latency and of
 * processor time, Atomics.wait and Atomics.waitAsync the same within noise (`npm run bench -- tower`), and a worker that
 * waits in its event loop can be asked to stop.
 */
import { Worker } from 'node:worker_threads'
import { TowerError } from './errors.ts'
import type { TowerFeed } from './inputs.ts'
import { elementsOf, sharedBytes, sharedViews, type TensorSpec, type TensorView } from './layout.ts'
import type { SessionOptions, TowerAnswer, TowerOrder } from './session.ts'
import './telemetry.ts'

export type TowerOptions = Omit<SessionOptions, 'memory'> & {
  /** Called once when the thread ends while the tower is open. */
  onDeath: (error: TowerError) => void
}

type Tower = { views: TensorView[]; output: TensorSpec; onDeath: (error: TowerError) => void }
/** `nice` is added to the thread's niceness. */
export type WorkerData = { nice: number }

type Waiter = { resolve: () => void; reject: (error: TowerError) => void }

export class TowerWorker {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #memory = new SharedArrayBuffer(0)
  #tower: Tower | null = null
  #waiter: Waiter | null = null
  #death: TowerError | null = null

  /** `entry`: what the thread runs. It starts at once; what it is asked meanwhile waits for it. */
  constructor(entry: URL, nice = 0) {
    this.#worker = new Worker(entry, { name: 'tower', workerData: { nice } satisfies WorkerData })
    this.#worker.on('message', (answer: TowerAnswer) => this.#received(answer))
    this.#worker.on('error', (error) => this.#died(`tower worker crashed: ${error.message}`, error))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#died(`tower worker exited with code ${code}`)
        resolve()
      })
    })
  }

  get alive(): boolean {
    return this.#death === null
  }

  /** Resolves when the model is loaded and every batch size has run once. */
  async open({ onDeath, ...options }: TowerOptions): Promise<void> {
    const tensors = [...options.inputs, options.output]
    const memory = this.#sharedMemory(sharedBytes(tensors, options.batch_max))
    await this.#ask({ open: { ...options, memory } })
    this.#tower = { views: sharedViews(memory, tensors, options.batch_max), output: options.output, onDeath }
  }

  /** Copies a request's inputs into one row of the next batch. */
  load(row: number, feed: TowerFeed): void {
    const { views } = this.#opened()
    for (const [index, values] of feed.entries()) views[index].set(values, row * values.length)
  }

  /** Runs the first rows; rejects with `failed` when the model refuses them and with `crashed` when the thread dies. */
  run(rows: number): Promise<void> {
    return this.#ask(rows)
  }

  /** A copy of one row of the output. */
  output(row: number): Float32Array {
    const { views, output } = this.#opened()
    const width = elementsOf(output)
    return new Float32Array(views[views.length - 1].subarray(row * width, (row + 1) * width))
  }

  /** Gives the tower's memory back; the thread takes another one. */
  async release(): Promise<void> {
    this.#tower = null
    await this.#ask('close')
  }

  /**
   * The thread ends when it has done what it does. A thread that is terminated in the midst of a run takes the process with
   * it: the binding of ONNX Runtime throws where no JavaScript may run any more.
   */
  async end(): Promise<void> {
    this.#giveUp(new TowerError('closed', 'tower pool closed'))
    this.#worker.postMessage('end' satisfies TowerOrder)
    await this.#exited
  }

  #opened(): Tower {
    if (!this.#tower) throw new Error('no tower is open in this worker')
    return this.#tower
  }

  /** The same for one tower after the other while it suffices: it would be garbage that only a collection of all gives back. */
  #sharedMemory(bytes: number): SharedArrayBuffer {
    if (this.#memory.byteLength < bytes) this.#memory = new SharedArrayBuffer(bytes)
    return this.#memory
  }

  #ask(order: TowerOrder): Promise<void> {
    if (this.#death) return Promise.reject(this.#death)
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#worker.postMessage(order)
    })
  }

  #received(answer: TowerAnswer): void {
    const waiter = this.#waiter
    this.#waiter = null
    if (answer === null) waiter?.resolve()
    else waiter?.reject(new TowerError('failed', answer))
  }

  #died(reason: string, cause?: Error): void {
    if (this.#death) return
    const error = new TowerError('crashed', reason, { cause })
    this.#giveUp(error)
    this.#tower?.onDeath(error)
  }

  #giveUp(error: TowerError): void {
    this.#death ??= error
    this.#waiter?.reject(error)
    this.#waiter = null
  }
}
