/**
 * Sketches: every vector once more in int8, one scale per dim for the whole table. Nothing is assumed of how well they fit:
 * the distance between row and sketch is measured for every row, and the largest one stands in the header.
 */
import { type RowShape, sketchStride, sketchVectorBytes, vectorBytes } from './format.ts'
import { fromHalf } from './half.ts'

const LEVEL_MAX = 127

export type Sketcher = {
  /** First all vectors, n × D … */
  see(vectors: Float32Array): void
  scales(): Float32Array
  /** … then all of them again, as the rows of the table (without scalars) and n × S scalars: their sketches. */
  encode(rows: Uint8Array, scalars: Float32Array): Uint8Array
  /** Largest Euclidean distance between a vector that `encode` has read and its sketch, rounded up. */
  error(): number
}

export function createSketcher(shape: RowShape): Sketcher {
  const { dims, scalars: names } = shape
  const largest = new Float32Array(dims)
  let squared_error = 0
  const scales = () => largest.map((magnitude) => magnitude / LEVEL_MAX)
  return {
    see(vectors) {
      for (let at = 0; at < vectors.length; at += dims) {
        for (let d = 0; d < dims; d++) {
          const magnitude = Math.abs(vectors[at + d])
          if (magnitude > largest[d]) largest[d] = magnitude
        }
      }
    },
    scales,
    encode(rows, scalars) {
      const vectors = readVectors(rows, shape)
      const n = vectors.length / dims
      const stride = sketchStride(shape)
      const bytes = new Uint8Array(n * stride)
      const levels = new Int8Array(bytes.buffer)
      const floats = new Float32Array(bytes.buffer)
      const steps = scales()
      const per_step = Float64Array.from(steps, (step) => (step === 0 ? 0 : 1 / step))
      for (let i = 0; i < n; i++) {
        const vector = vectors.subarray(i * dims, (i + 1) * dims)
        const squared = quantise(vector, levels.subarray(i * stride, i * stride + dims), { steps, per_step })
        squared_error = Math.max(squared_error, squared)
        const at = (i * stride + sketchVectorBytes(shape)) / 4
        for (let s = 0; s < names.length; s++) floats[at + s] = scalars[i * names.length + s]
      }
      return bytes
    },
    // What the sum of 1024 squares has rounded is below 2^-42 of it.
    error: () => Math.sqrt(squared_error) * (1 + 2 ** -40),
  }
}

/** n × D, without what pads the rows. */
function readVectors(rows: Uint8Array, shape: RowShape): Float32Array {
  if (shape.dtype === 'float32') return new Float32Array(rows.buffer, rows.byteOffset, rows.length / 4)
  const { dims } = shape
  const halves = new Uint16Array(rows.buffer, rows.byteOffset, rows.length / 2)
  const stride = vectorBytes(shape) / 2
  const out = new Float32Array((halves.length / stride) * dims)
  for (let at = 0, from = 0; at < out.length; at += dims, from += stride) {
    for (let d = 0; d < dims; d++) out[at + d] = fromHalf(halves[from + d])
  }
  return out
}

type Steps = { steps: Float32Array; per_step: Float64Array }

/** Nearest level of every component; returns the squared distance. Math.round and divisions would take six times as long. */
function quantise(vector: Float32Array, levels: Int8Array, { steps, per_step }: Steps): number {
  let squared = 0
  for (let d = 0; d < vector.length; d++) {
    const level = limited(Math.floor(vector[d] * per_step[d] + 0.5))
    const lost = vector[d] - level * steps[d]
    levels[d] = level
    squared += lost * lost
  }
  return squared
}

/** Any level would do, the error is measured: a scale may be so small that it is badly rounded. */
function limited(level: number): number {
  if (level > LEVEL_MAX) return LEVEL_MAX
  return Math.max(level, -LEVEL_MAX)
}
