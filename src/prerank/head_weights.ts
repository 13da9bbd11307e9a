/** Head weights: as asked for or the bundle's own, normalised to sum 1, and folded into one query vector. */

export type Heads = { name: string; default_weight: number }[]

/** One weight per head; the decoder has seen to it that a request's weights are known, finite and not all zero. */
export function normalisedWeights(heads: Heads, asked: Record<string, number> | undefined): number[] {
  const weights = heads.map(({ name, default_weight }) => (asked ? (asked[name] ?? 0) : default_weight))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** Σ_h w_h · v_h: one dot product per candidate pays for every trade-off between heads. `vectors` is [H × D]. */
export function foldHeads(vectors: Float32Array, weights: number[]): Float32Array {
  const dims = vectors.length / weights.length
  const folded = new Float32Array(dims)
  for (let dim = 0; dim < dims; dim++) {
    let sum = 0
    for (let head = 0; head < weights.length; head++) sum += weights[head] * vectors[head * dims + dim]
    folded[dim] = sum
  }
  return folded
}
