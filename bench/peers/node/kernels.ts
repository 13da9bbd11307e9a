/** Our kernel behind the protocol of python/kernels.py, so that all are measured alike; its line has one way. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ItemTable } from '../../../src/items/item_table.ts'
import type { Formula } from '../../../src/kernel/kernel.ts'
import { loadKernel } from '../../../src/kernel/load.ts'

type Task = { candidates: number; top_k: number; repeats: number }

const folder = process.argv[2]
const { kernel } = loadKernel()
const table = ItemTable.open(join(folder, 'items.table'))
const { dims: D } = table.info
const queries = split(new Float32Array(bytesOf('queries.f32')), D)

/** The dot product alone is the score. */
const formula: Formula = {
  cross: [],
  scalars: [],
  caller: [],
  layers: [{ weights: Float32Array.of(1), bias: Float32Array.of(0) }],
}

console.log(JSON.stringify({ ways: [`prerank ${kernel.name}`] }))
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await measure(JSON.parse(line))))
table.close()

async function measure({ candidates, top_k, repeats }: Task): Promise<{ ms: number[]; best: number[] }> {
  const sets = split(new Uint32Array(bytesOf(`rows-${candidates}.u32`)), candidates)
  const k = Math.min(top_k, candidates)
  // Only the join with count blobs reads keys, and there is none.
  const keys = new BigUint64Array(candidates)
  const best = (set: number) =>
    kernel.topK({ table, formula, keys, rows: sets[set], query: queries[set], blobs: [], columns: [] }, k)
  const { positions } = await best(0)
  const ms: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start_ms = performance.now()
    await best(repeat % queries.length)
    ms.push(performance.now() - start_ms)
  }
  return { ms, best: Array.from(positions, (position) => sets[0][position]) }
}

function bytesOf(name: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(join(folder, name))).buffer
}

function split<T extends Float32Array | Uint32Array>(values: T, width: number): T[] {
  return Array.from({ length: values.length / width }, (_, i) => values.subarray(i * width, (i + 1) * width) as T)
}
