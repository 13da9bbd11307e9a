/** Item vectors and scalars ↔ row records, for the three dtypes. */
import { type Dtype, type RowShape, rowStride, vectorBytes } from './format.ts'
import { toHalf } from './half.ts'

/** Encodes one row record at `at`; components are finite (the writer has checked). */
export type RowEncoder = (vector: Float32Array, scalars: Float32Array, at: number) => void

export function rowEncoder(shape: RowShape, out: Uint8Array): RowEncoder {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  const encodeVector = vectorEncoder(shape.dtype, view)
  const scalars_at = rowStride(shape) - 4 * shape.scalars.length
  const scale_at = vectorBytes(shape)
  return (vector, scalars, at) => {
    encodeVector(vector, at, at + scale_at)
    for (let s = 0; s < scalars.length; s++) view.setFloat32(at + scalars_at + 4 * s, scalars[s], true)
  }
}

function vectorEncoder(dtype: Dtype, view: DataView) {
  if (dtype === 'float32') {
    return (vector: Float32Array, at: number) => {
      for (let d = 0; d < vector.length; d++) view.setFloat32(at + 4 * d, vector[d], true)
    }
  }
  if (dtype === 'float16') {
    return (vector: Float32Array, at: number) => {
      for (let d = 0; d < vector.length; d++) view.setUint16(at + 2 * d, toHalf(vector[d]), true)
    }
  }
  return (vector: Float32Array, at: number, scale_at: number) => {
    const scale = int8Scale(vector)
    for (let d = 0; d < vector.length; d++) view.setInt8(at + d, scale === 0 ? 0 : Math.round(vector[d] / scale))
    view.setFloat32(scale_at, scale, true)
  }
}

/** Largest magnitude ↦ 127; vectors so small that a denormal scale would round past that become zeros. */
function int8Scale(vector: Float32Array): number {
  let largest = 0
  for (let d = 0; d < vector.length; d++) largest = Math.max(largest, Math.abs(vector[d]))
  const scale = Math.fround(largest / 127)
  return scale === 0 || largest / scale < 127.5 ? scale : 0
}
