/** The fusion of transformed features into a score, in double precision: plain, for single candidates. */
import { featureCount } from './input.ts'
import type { Formula, Layer } from './kernel.ts'

export function fuse(layers: Layer[], features: ArrayLike<number>): number {
  let inputs = features
  for (const [index, { weights, bias }] of layers.entries()) {
    inputs = Float64Array.from(bias, (sum, out) => {
      for (let i = 0; i < inputs.length; i++) sum += weights[out * inputs.length + i] * inputs[i]
      return index < layers.length - 1 && sum < 0 ? 0 : sum
    })
  }
  return Math.fround(inputs[0])
}

/** How far the score falls when one feature is set to 0, for every feature of every candidate in `transformed`. */
export function contributions(formula: Formula, transformed: Float32Array): Float32Array {
  const width = featureCount(formula)
  const out = new Float32Array(transformed.length)
  for (let from = 0; from < transformed.length; from += width) {
    const features = transformed.slice(from, from + width)
    const score = fuse(formula.layers, features)
    for (let column = 0; column < width; column++) {
      const value = features[column]
      features[column] = 0
      out[from + column] = score - fuse(formula.layers, features)
      features[column] = value
    }
  }
  return out
}
