/**
 * Worker threads for towers, as many as two bundles need: those of the one that serves, and as many that wait for the next.
 * After a swap they have changed places, so that no thread starts beside requests unless one has died.
 */
import { TowerWorker } from './tower_worker.ts'

export type ReserveOptions = {
  /** What a thread runs; worker.ts unless given. */
  entry?: URL
  /** Threads in use and waiting. */
  count: number
  /** Added to their niceness, on Linux; 0 unless given. */
  nice?: number
}

export class WorkerReserve {
  readonly #entry: URL
  readonly #count: number
  readonly #nice: number
  readonly #all = new Set<TowerWorker>()
  #waiting: TowerWorker[] = []
  #is_closed = false

  constructor({ entry = new URL('../worker.ts', import.meta.url), count, nice = 0 }: ReserveOptions) {
    this.#entry = entry
    this.#count = count
    this.#nice = nice
  }

  /** One without a tower, to be given back; beyond the count where none waits. The first call starts all. */
  take(): TowerWorker {
    for (const worker of this.#waiting) if (!worker.alive) this.#all.delete(worker)
    this.#waiting = this.#waiting.filter(({ alive }) => alive)
    this.#fill()
    return this.#waiting.pop() ?? this.#start()
  }

  /** Takes its tower from it. One that died, or keeps its tower, is replaced. */
  async giveBack(worker: TowerWorker): Promise<void> {
    const is_free = await worker.release().then(
      () => true,
      () => false,
    )
    if (is_free && !this.#is_closed && this.#all.size <= this.#count) {
      this.#waiting.push(worker)
      return
    }
    this.#all.delete(worker)
    await worker.end()
    this.#fill()
  }

  async close(): Promise<void> {
    this.#is_closed = true
    await Promise.all([...this.#all].map((worker) => worker.end()))
  }

  #fill(): void {
    while (!this.#is_closed && this.#all.size < this.#count) this.#waiting.push(this.#start())
  }

  #start(): TowerWorker {
    const worker = new TowerWorker(this.#entry, this.#nice)
    this.#all.add(worker)
    return worker
  }
}
