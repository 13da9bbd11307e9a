/** Mean over requests with a 95 % bootstrap interval over users: requests of one user are not independent. */

export type Interval = { mean: number; low: number; high: number }

const RESAMPLES = 1000
const SEED = 1

/**
 * `users[r]` is the user of request r, undefined where nobody knows: then a user of its own. NaN values are left out. The
 * same users give the same resamples.
 */
export function userInterval(values: ArrayLike<number>, users: readonly (string | undefined)[]): Interval {
  const { sums, counts } = byUser(values, users)
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN }
  const random = mulberry32(SEED)
  const means: number[] = []
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let sum = 0
    let count = 0
    for (let draw = 0; draw < sums.length; draw++) {
      const user = Math.floor(random() * sums.length)
      sum += sums[user]
      count += counts[user]
    }
    if (count > 0) means.push(sum / count)
  }
  means.sort((a, b) => a - b)
  return {
    mean: sums.reduce((sum, value) => sum + value, 0) / total,
    low: quantile(means, 0.025),
    high: quantile(means, 0.975),
  }
}

function byUser(
  values: ArrayLike<number>,
  users: readonly (string | undefined)[],
): { sums: number[]; counts: number[] } {
  const numbers = new Map<string, number>()
  const sums: number[] = []
  const counts: number[] = []
  for (const [request, user] of users.entries()) {
    const number = (user === undefined ? undefined : numbers.get(user)) ?? sums.length
    if (user !== undefined) numbers.set(user, number)
    const value = values[request]
    sums[number] = (sums[number] ?? 0) + (Number.isNaN(value) ? 0 : value)
    counts[number] = (counts[number] ?? 0) + (Number.isNaN(value) ? 0 : 1)
  }
  return { sums, counts }
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return below + (above - below) * (at - Math.floor(at))
}

/** A small seeded generator (Tommy Ettinger's mulberry32): the interval must not change from run to run. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
