/** What the narrow dtypes cost in recall: unit vectors, 100,000 items, the best 1000 against float32. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dtype } from '../../src/items/format.ts'
import type { ItemTable } from '../../src/items/item_table.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { createRandom } from '../lib/random.ts'
import { kernels, keyOf, linear, unitVector, withTables } from './world.ts'

const ITEMS = 100_000
const DIMS = 64
const QUERIES = 5
const RECALL_MIN: [Dtype, number][] = [
  ['int8', 0.99],
  ['float16', 0.999],
]

for (const [dtype, recall_min] of RECALL_MIN) {
  test(`${dtype} keeps ${recall_min} of the best 1000 of ${ITEMS}`, async () => {
    const kernel = kernels().at(-1)!
    await withTables(async (make) => {
      const exact = make({ rows: ITEMS, dims: DIMS, dtype: 'float32', seed: 5 })
      const narrow = make({ rows: ITEMS, dims: DIMS, dtype, seed: 5 })
      const random = createRandom(6)
      let shared = 0
      for (let round = 0; round < QUERIES; round++) {
        const query = unitVector(random, DIMS)
        const wanted = new Set(await best(kernel, exact, query))
        shared += (await best(kernel, narrow, query)).filter((position) => wanted.has(position)).length
      }
      const recall = shared / (1000 * QUERIES)
      assert.ok(recall >= recall_min, `recall ${recall}`)
    })
  })
}

async function best(kernel: Kernel, table: ItemTable, query: Float32Array): Promise<number[]> {
  const rows = Uint32Array.from({ length: ITEMS }, (_, row) => row)
  const keys = BigUint64Array.from(rows, keyOf)
  const formula = { cross: [], scalars: [], caller: [], layers: linear([1]) }
  const { positions } = await kernel.topK({ table, formula, keys, rows, query, blobs: [], columns: [] }, 1000)
  return Array.from(positions)
}
