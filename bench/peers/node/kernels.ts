/** Our kernel behind the protocol of python/kernels.py, so that all are measured alike. `rows`: as the libraries, without ids. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ItemTable } from '../../../src/items/item_table.ts'
import type { Formula, TopK } from '../../../src/kernel/kernel.ts'
import { loadKernel } from '../../../src/kernel/load.ts'

type Task = { way: string; candidates: number; top_k: number; repeats: number }
type Way = (rows: Uint32Array, query: Float32Array, k: number) => Promise<TopK>

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

const topK = (rows: Uint32Array, { query, keys, k }: { query: Float32Array; keys: BigUint64Array; k: number }) =>
  kernel.topK({ table, formula, keys, rows, query, blobs: [], columns: [] }, k)

// Keys are read by the join with count blobs only, and there is none.
const no_keys = new Map<number, BigUint64Array>()
const keysFor = (rows: Uint32Array) => {
  const keys = no_keys.get(rows.length) ?? new BigUint64Array(rows.length)
  no_keys.set(rows.length, keys)
  return keys
}

const ways: Record<string, Way> = {
  [`prerank ${kernel.name}`]: (rows, query, k) => topK(rows, { query, keys: keysFor(rows), k }),
}

console.log(JSON.stringify({ ways: Object.keys(ways) }))
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await measure(JSON.parse(line))))
table.close()

async function measure({ way, candidates, top_k, repeats }: Task): Promise<{ ms: number[]; best: number[] }> {
  const sets = split(new Uint32Array(bytesOf(`rows-${candidates}.u32`)), candidates)
  const k = Math.min(top_k, candidates)
  const { positions } = await ways[way](sets[0], queries[0], k)
  const ms: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const at = repeat % queries.length
    const start_ms = performance.now()
    await ways[way](sets[at], queries[at], k)
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
