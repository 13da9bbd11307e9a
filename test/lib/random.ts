/** Seeded pseudo-random numbers (mulberry32): the same seed, the same test. */

export type Random = {
  /** In [0, 1). */
  uniform(): number
  /** In [0, end). */
  integer(end: number): number
  normal(): number
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    integer: (end) => Math.floor(uniform() * end),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  }
}
