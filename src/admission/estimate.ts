/**
 * What something of a size will cost, from what it cost lately: a line through exponentially weighted observations. Where
 * all of them had about the same size there is no line: smaller ones are taken to cost as much, larger ones in proportion.
 */
export type Estimate = {
  seen(size: number, cost: number): void
  /** 0 before anything was seen. */
  of(size: number): number
}

/** The last 20 observations carry most of the weight. */
const WEIGHT = 0.05
/** Relative spread of sizes below which no slope is drawn. */
const SPREAD_MIN = 0.1

export function createEstimate(): Estimate {
  const mean = { size: 0, cost: 0 }
  let count = 0
  let variance = 0
  let covariance = 0
  return {
    seen(size, cost) {
      const weight = Math.max(WEIGHT, 1 / ++count)
      const off = { size: size - mean.size, cost: cost - mean.cost }
      mean.size += weight * off.size
      mean.cost += weight * off.cost
      variance = (1 - weight) * (variance + weight * off.size * off.size)
      covariance = (1 - weight) * (covariance + weight * off.size * off.cost)
    },
    of(size) {
      if (count === 0) return 0
      const spread = variance > (SPREAD_MIN * mean.size) ** 2
      if (spread) return Math.max(0, mean.cost + (Math.max(0, covariance) / variance) * (size - mean.size))
      return mean.cost * Math.max(1, size / Math.max(mean.size, 1))
    },
  }
}
