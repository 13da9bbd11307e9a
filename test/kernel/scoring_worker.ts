/** Reports one answer, then keeps calls under way until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads'
import { ItemTable } from '../../src/items/item_table.ts'
import { loadKernel } from '../../src/kernel/load.ts'
import { keyOf, linear } from './world.ts'

const { kernel } = loadKernel()
const table = ItemTable.open(workerData)
const rows = Uint32Array.from({ length: table.info.rows }, (_, row) => row)
const input = {
  ...{ table, rows, keys: BigUint64Array.from(rows, keyOf), query: new Float32Array(table.info.dims).fill(1) },
  ...{ blobs: [], columns: [], formula: { cross: [], scalars: [], caller: [], layers: linear([1]) } },
}
const { positions } = await kernel.topK(input, 10)
parentPort!.postMessage(positions)
for (;;) await Promise.all([kernel.topK(input, 10), kernel.scoreAll(input), kernel.resolve(table, input.keys)])
