/**
 * Who still uses something that is to be closed. A request holds its serving from when it takes it until its answer is
 * written, so that a swap in between neither changes the request's bundle nor pulls it away.
 */
export type Holds = {
  /** `using hold = holds.take()`: it ends with the block, whatever way that is left. */
  take(): Disposable
  /** Resolves when there is none; what takes one after that is too late. */
  ended(): Promise<void>
}

export function createHolds(): Holds {
  let count = 0
  const last = Promise.withResolvers<void>()
  let is_awaited = false
  const settle = () => {
    if (is_awaited && count === 0) last.resolve()
  }
  return {
    take() {
      count++
      let is_over = false
      return {
        [Symbol.dispose]() {
          if (is_over) return
          is_over = true
          count--
          settle()
        },
      }
    },
    ended() {
      is_awaited = true
      settle()
      return last.promise
    },
  }
}
