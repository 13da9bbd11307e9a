/** The same scoring in plain JavaScript as one would write it for speed; it too is given rows and cross features. */
import type { Formula } from '../../src/kernel/kernel.ts'
import { CROSS, DIMS, type Request } from './data.ts'

type Scorer = (request: Request, k: number) => Uint32Array

export function javascriptScorer(vectors: Float32Array, { layers: [first, last] }: Formula): Scorer {
  const hidden = first.bias.length
  const width = 1 + CROSS
  return ({ rows, query, cross }, k) => {
    const scores = new Float32Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const at = rows[i] * DIMS
      let dot = 0
      for (let d = 0; d < DIMS; d++) dot += query[d] * vectors[at + d]
      let score = last.bias[0]
      for (let h = 0; h < hidden; h++) {
        let sum = first.bias[h] + first.weights[h * width] * dot
        for (let f = 0; f < CROSS; f++) sum += first.weights[h * width + 1 + f] * cross[i * CROSS + f]
        if (sum > 0) score += last.weights[h] * sum
      }
      scores[i] = score
    }
    return best(scores, k)
  }
}

/** Sorting the scores as numbers first gives the bound; comparing through a callback costs far more. */
function best(scores: Float32Array, k: number): Uint32Array {
  const bound = scores.toSorted()[Math.max(0, scores.length - k)]
  const positions = Array.from(scores.keys()).filter((position) => scores[position] >= bound)
  return Uint32Array.from(positions.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k))
}
