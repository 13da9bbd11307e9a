/** Loading kernels, and tables that go away while they are in use. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { loadAddon } from '../../src/items/addon.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { loadKernel } from '../../src/kernel/load.ts'
import { kernels, keyOf, linear, randomInput, withTables, writeTable } from './world.ts'

const has_compiler = spawnSync('cc', ['--version']).status === 0

test('the native kernel is there wherever a compiler is, and is the default', () => {
  const { addon, problem } = loadAddon()
  assert.equal(addon !== null, has_compiler, String(problem))
  const { kernel, reason } = loadKernel()
  assert.equal(kernel.name, addon ? 'native' : 'reference')
  assert.ok(reason.length > 0)
})

test('the configuration chooses the reference', () => {
  assert.deepEqual(loadKernel('reference').kernel.name, 'reference')
  assert.match(loadKernel('reference').reason, /configuration/)
})

for (const kernel of kernels()) {
  test(`${kernel.name}: a call that is running when its table is closed still gives its answer`, async () => {
    await withTables(async (make) => {
      const shape = { cross: 3, scalars: 0, caller: 0, hidden: [8], blobs: 2, n: 5000, seed: 1 }
      for (let round = 0; round < 4; round++) {
        const table = make({ rows: 3000, dims: 32, dtype: 'int8' })
        const input = await randomInput(kernel, table, shape)
        const expected = await kernel.topK(input, 50)
        const running = [kernel.topK(input, 50), kernel.topK(input, 50), kernel.topK(input, 50)]
        const resolving = kernel.resolve(table, input.keys)
        table.close()
        for (const answer of running) assert.deepEqual(await answer, expected)
        assert.deepEqual((await resolving).rows, input.rows)
        await assert.rejects(kernel.topK(input, 50), /the table is closed/)
        await assert.rejects(kernel.resolve(table, input.keys), /the table is closed/)
      }
    })
  })

  test(`${kernel.name}: splitting a call over threads changes nothing`, async () => {
    const split = loadKernel(kernel.name, { threads: 7 }).kernel
    const whole = loadKernel(kernel.name, { threads: 1 }).kernel
    await withTables(async (make) => {
      const table = make({ rows: 200_000, dims: 2, dtype: 'int8' })
      const shape = { cross: 2, scalars: 0, caller: 0, hidden: [], blobs: 0, seed: 4 }
      const input = await randomInput(kernel, table, { ...shape, n: kernel.name === 'native' ? 177_777 : 2000 })
      assert.deepEqual(await split.resolve(table, input.keys), await whole.resolve(table, input.keys))
      for (const k of [1, 1000, 30_000]) assert.deepEqual(await split.topK(input, k), await whole.topK(input, k))
      assert.deepEqual(await split.scoreAll(input), await whole.scoreAll(input))
    })
  })
}

test('kernels in worker threads share a table file, and a worker may end in the middle of calls', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-worker-'))
  try {
    const path = join(folder, 'items.table')
    writeTable(path, { rows: 4000, dims: 16, dtype: 'float16' })
    const workers = Array.from({ length: 3 }, () => {
      return new Worker(new URL('./scoring_worker.ts', import.meta.url), { workerData: path })
    })
    const answers = await Promise.all(
      workers.map((worker) => new Promise((done, fail) => worker.once('message', done).once('error', fail))),
    )
    const table = ItemTable.open(path)
    const rows = Uint32Array.from({ length: 4000 }, (_, row) => row)
    const { positions } = await loadKernel().kernel.topK(
      {
        ...{ table, rows, keys: BigUint64Array.from(rows, keyOf), query: new Float32Array(16).fill(1) },
        ...{ blobs: [], columns: [], formula: { cross: [], scalars: [], caller: [], layers: linear([1]) } },
      },
      10,
    )
    for (const answer of answers) assert.deepEqual(answer, positions)
    await Promise.all(workers.map((worker) => worker.terminate()))
    table.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
