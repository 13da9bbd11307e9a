/**
 * Who still uses something that is to be closed. A request holds its serving from when it takes it until its answer is
 * written, so that a swap in between neither changes the request's bundle nor pulls it away.
 */
export type Holds = {
  /** `using hold = holds.take()`: it ends with the block, whatever way that is left. */
  take(): Hold
  /** Resolves when there is none; what takes one after that is too late. */
  ended(): Promise<void>
}

/** A class because it owns: literals with a symbol for a name, two per request, take 2 µs. */
export class Hold implements Disposable {
  #end: (() => void) | null

  constructor(onEnd: () => void) {
    this.#end = onEnd
  }

  [Symbol.dispose](): void {
    this.#end?.()
    this.#end = null
  }
}

export function createHolds(): Holds {
  let count = 0
  const last = Promise.withResolvers<void>()
  let is_awaited = false
  const settle = () => {
    if (is_awaited && count === 0) last.resolve()
  }
  const end = () => {
    count--
    settle()
  }
  return {
    take() {
      count++
      return new Hold(end)
    },
    ended() {
      is_awaited = true
      settle()
      return last.promise
    },
  }
}
