/** A table whose file is truncated while it is mapped: reading goes on, over zeros, and the table says so. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ItemTable } from '../../src/items/item_table.ts'
import { NO_ROW } from '../../src/kernel/kernel.ts'
import { kernels, keyOf, linear, writeTable } from '../kernel/world.ts'
import { temporaryDirectory } from './directory.ts'

const ROWS = 20_000
const DIMS = 16
const HEADER_BYTES = 4096

function openTable(t: TestContext): { path: string; table: ItemTable } {
  const path = join(temporaryDirectory(t), 'items.table')
  writeTable(path, { rows: ROWS, dims: DIMS, dtype: 'float32' })
  const table = ItemTable.open(path)
  t.after(() => table.close())
  return { path, table }
}

const everyRow = (rows: number) => Uint32Array.from({ length: rows }, (_, row) => row)
const keysOf = (rows: Uint32Array) => BigUint64Array.from(rows, keyOf)

const scoreInput = (table: ItemTable, n: number) => {
  const rows = everyRow(n)
  const formula = { cross: [], scalars: [], caller: [], layers: linear([1]) }
  const query = new Float32Array(DIMS).fill(1)
  return { table, rows, keys: keysOf(rows), query, blobs: [], columns: [], formula }
}

test('a whole table is not lost', (t) => {
  const { table } = openTable(t)
  table.readVectors(everyRow(ROWS), new Float32Array(ROWS * DIMS))
  assert.equal(table.lost, false)
})

for (const kernel of kernels()) {
  // Small calls run on this thread, large ones in parts on the pool.
  for (const n of [100, ROWS]) {
    test(`${kernel.name}: scoring ${n} candidates of a truncated table gives zeros`, async (t) => {
      const { path, table } = openTable(t)
      const input = scoreInput(table, n)
      assert.ok((await kernel.scoreAll(input)).every((score) => score !== 0))
      truncateSync(path, HEADER_BYTES)
      const scores = await kernel.scoreAll(input)
      assert.ok(scores.every((score) => score === 0))
      assert.equal(table.lost, true)
    })
  }
}

test('looking up keys and reading rows of a truncated table goes on', (t) => {
  const { path, table } = openTable(t)
  truncateSync(path, HEADER_BYTES)
  const keys = keysOf(everyRow(100)).map((key) => key + 1n)
  assert.ok(table.rowsOf(keys).every((row) => row === NO_ROW))
  const vectors = new Float32Array(100 * DIMS)
  table.readVectors(everyRow(100), vectors)
  assert.ok(vectors.every((value) => value === 0))
  assert.equal(table.lost, true)
})

test('a table that has lost less than a page is noticed too', (t) => {
  const { path, table } = openTable(t)
  truncateSync(path, table.info.bytes - 1)
  assert.equal(table.lost, true)
})

test('a table that was whole again later stays lost: zeros may have been read', (t) => {
  const { path, table } = openTable(t)
  truncateSync(path, HEADER_BYTES)
  table.rowsOf(keysOf(everyRow(10)))
  truncateSync(path, table.info.bytes)
  assert.equal(table.lost, true)
  const again = ItemTable.open(path)
  assert.equal(again.lost, false)
  again.close()
})

test('checksums of a truncated table differ instead of ending the process', async (t) => {
  const { path } = openTable(t)
  const loading = ItemTable.load(path)
  truncateSync(path, HEADER_BYTES)
  await assert.rejects(loading, /section \w+ is damaged/)
})

test('another table of the process is not touched', (t) => {
  const [broken, whole] = [openTable(t), openTable(t)]
  truncateSync(broken.path, HEADER_BYTES)
  broken.table.rowsOf(keysOf(everyRow(10)))
  assert.deepEqual([broken.table.lost, whole.table.lost], [true, false])
  assert.deepEqual(whole.table.rowsOf(keysOf(everyRow(100))), everyRow(100))
})

test('the guard outlives the worker thread that brought it', async (t) => {
  const { path, table } = openTable(t)
  const source = `const { ItemTable } = await import(${JSON.stringify(import.meta.resolve('../../src/items/item_table.ts'))})
    ItemTable.open(${JSON.stringify(path)}).close()`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`))
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  truncateSync(path, HEADER_BYTES)
  table.rowsOf(keysOf(everyRow(10)))
  assert.equal(table.lost, true)
})

test('a bus error elsewhere still ends the process', (t) => {
  const { path } = openTable(t)
  const script = `import { ItemTable } from ${JSON.stringify(import.meta.resolve('../../src/items/item_table.ts'))}
    ItemTable.open(${JSON.stringify(path)})
    process.kill(process.pid, 'SIGBUS')
    setTimeout(() => {}, 10_000)`
  const { signal } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script])
  // AddressSanitizer, where it is in, was there before: it reports the fault and aborts.
  assert.match(signal ?? 'none', /^SIG(BUS|ABRT)$/)
})
