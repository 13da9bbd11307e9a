/** The same scoring as a graph of onnxruntime, one thread; it is given rows and transformed cross features. */
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Formula } from '../../src/kernel/kernel.ts'
import { CROSS, DIMS, type Request } from './data.ts'

export type Graph = { run(request: Request, k: number): Promise<Int32Array> }

/** `vectors` is [M × D]; an MLP of one hidden layer. */
export async function openGraph(vectors: Float32Array, { layers: [first, last] }: Formula): Promise<Graph> {
  const session = await InferenceSession.create(join(import.meta.dirname, 'score.onnx'), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  })
  const hidden = first.bias.length
  const fixed = {
    table: new Tensor('float32', vectors, [vectors.length / DIMS, DIMS]),
    w1: new Tensor('float32', transposed(first.weights, hidden), [1 + CROSS, hidden]),
    b1: new Tensor('float32', first.bias, [hidden]),
    w2: new Tensor('float32', last.weights, [hidden, 1]),
    b2: new Tensor('float32', last.bias, [1]),
  }
  return {
    async run({ rows, query, cross }, k) {
      const { positions } = await session.run({
        ...fixed,
        rows: new Tensor('int32', new Int32Array(rows.buffer), [rows.length]),
        query: new Tensor('float32', query, [DIMS, 1]),
        cross: new Tensor('float32', cross, [rows.length, CROSS]),
        k: new Tensor('int64', BigInt64Array.of(BigInt(k)), [1]),
      })
      return Int32Array.from(positions.data as BigInt64Array, Number)
    },
  }
}

function transposed(weights: Float32Array, outputs: number): Float32Array {
  const inputs = weights.length / outputs
  return weights.map((_, at) => weights[(at % outputs) * inputs + Math.floor(at / outputs)])
}
