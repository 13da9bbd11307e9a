/** A tower whose output can be computed by hand, and which can be told to be slow (test/fixtures/tower/make.py). */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TowerPoolOptions } from '../../src/tower/pool.ts'

export const fixtures = new URL('../fixtures/tower/', import.meta.url)

const model = fileURLToPath(new URL('toy.onnx', fixtures))
export const toy: TowerPoolOptions = {
  model,
  model_sha256: createHash('sha256').update(readFileSync(model)).digest('hex'),
  inputs: [
    { name: 'x', dtype: 'float32', shape: [4] },
    { name: 'steps', dtype: 'int32', shape: [1] },
    { name: 'index', dtype: 'int32', shape: [1] },
  ],
  output: { name: 'vectors', dtype: 'float32', shape: [2, 4] },
  threads: 1,
  intra_op_threads: 1,
  batch_max: 4,
  wait_ms_max: 0,
  queue_max: 100,
}

type Input = { x: number; steps?: number; index?: number }

export function feed({ x, steps = 0, index = 0 }: Input) {
  return [new Float32Array(4).fill(x), Int32Array.of(steps), Int32Array.of(index)]
}

export function expected({ x, steps = 0, index = 0 }: Input) {
  return [...Array(4).fill(2 * x + steps), ...Array(4).fill(x + 10 * index)]
}
