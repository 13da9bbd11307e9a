/** Writing and reading items.table. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DTYPES, type Dtype, NO_ROW } from '../../src/items/format.ts'
import type { ItemBatch, TableOptions } from '../../src/items/item_batch.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { createRandom } from '../lib/random.ts'
import { temporaryDirectory } from './directory.ts'

function openTable(t: TestContext, path: string): ItemTable {
  const table = ItemTable.open(path, { checksums: true })
  t.after(() => table.close())
  return table
}

function write(path: string, options: TableOptions, batches: ItemBatch[]): void {
  const writer = ItemTableWriter.create(path, options)
  for (const batch of batches) writer.append(batch)
  writer.finish()
}

function randomBatch(
  n: number,
  { dims, scalars, content, seed }: Record<'dims' | 'scalars' | 'content' | 'seed', number>,
) {
  const random = createRandom(seed)
  const values = (count: number) => Float32Array.from({ length: count }, () => random.normal())
  return { vectors: values(n * dims), scalars: values(n * scalars), content: values(n * content) }
}

/** Largest difference that storing in a dtype may make to a vector's component. */
const STEP: Record<Dtype, (largest: number) => number> = {
  float32: () => 0,
  float16: (largest) => largest * 2 ** -11,
  int8: (largest) => (largest / 127) * 0.5001,
}

for (const dtype of DTYPES) {
  test(`a ${dtype} table gives back what was written`, (t) => {
    const path = join(temporaryDirectory(t), 'items.table')
    const n = 9000
    const batch = randomBatch(n, { dims: 33, scalars: 2, content: 5, seed: 1 })
    batch.scalars[4] = Number.NaN
    const ids = Array.from({ length: n }, (_, i) => `item ${i} é`)
    const options: TableOptions = {
      dims: 33,
      dtype,
      id_kind: 'string',
      content_dims: 5,
      scalars: ['age', 'popularity'],
    }
    write(path, { ...options, fingerprint: 'ab'.repeat(32) }, [{ ...batch, ids }])
    const table = openTable(t, path)
    const { bytes, row_bytes, sketch_bytes, ...info } = table.info
    assert.deepEqual(info, {
      ...{ rows: n, dims: 33, dtype, id_kind: 'string', content_dims: 5, scalars: ['age', 'popularity'] },
      ...{ fingerprint: 'ab'.repeat(32), has_ids: true },
    })
    assert.equal(bytes, statSync(path).size)
    assert.equal(row_bytes % 4, 0)
    assert.equal(sketch_bytes, dtype === 'float32' ? 64 : 0)

    const rows = Uint32Array.from({ length: n }, (_, i) => n - 1 - i)
    assert.deepEqual(table.idsOf(rows), [...ids].reverse())
    assert.deepEqual(table.rowsOf(table.keysOf(rows)), rows)
    const vectors = new Float32Array(n * 33)
    table.readVectors(
      Uint32Array.from({ length: n }, (_, i) => i),
      vectors,
    )
    for (let row = 0; row < n; row++) {
      const wanted = batch.vectors.subarray(row * 33, (row + 1) * 33)
      const step = STEP[dtype](Math.max(...wanted.map(Math.abs)))
      for (const [d, x] of wanted.entries()) assertWithin(vectors[row * 33 + d], x, step)
    }
    const scalars = new Float32Array(4)
    table.readScalars(Uint32Array.of(2, NO_ROW), scalars)
    assert.deepEqual(Array.from(scalars), [Number.NaN, batch.scalars[5], Number.NaN, Number.NaN])
    const content = new Float32Array(15)
    table.readContent(Uint32Array.of(8999, NO_ROW, 8999), content)
    batch.content.subarray(-5).forEach((x, c) => {
      assertWithin(content[c], x, Math.abs(x) * 2 ** -11)
      assert.equal(content[5 + c], 0)
      assert.equal(content[10 + c], content[c])
    })
  })
}

function assertWithin(found: number, expected: number, step: number): void {
  assert.ok(Math.abs(found - expected) <= step, `${found}, expected ${expected} ± ${step}`)
}

test('integer ids are their own keys, the largest and 0 included', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  const ids = BigUint64Array.of(0n, 2n ** 64n - 1n, 2n ** 53n + 1n, 7n)
  write(path, { dims: 1, dtype: 'float32', id_kind: 'u64' }, [{ ids, vectors: new Float32Array(4) }])
  const table = openTable(t, path)
  assert.deepEqual(table.idsOf(Uint32Array.of(0, 1, 2, 3)), [...ids])
  assert.deepEqual(table.rowsOf(BigUint64Array.of(7n, 7n, 1n, 0n, 2n ** 64n - 1n)), Uint32Array.of(3, 3, NO_ROW, 0, 1))
})

test('the same items in other batches give the same bytes', (t) => {
  const directory = temporaryDirectory(t)
  const n = 5000
  const { vectors, scalars, content } = randomBatch(n, { dims: 8, scalars: 1, content: 3, seed: 2 })
  const ids = Array.from({ length: n }, (_, i) => `${i}`)
  const options: TableOptions = { dims: 8, dtype: 'int8', id_kind: 'string', content_dims: 3, scalars: ['age'] }
  const slice = (from: number, to: number): ItemBatch => ({
    ids: ids.slice(from, to),
    vectors: vectors.subarray(from * 8, to * 8),
    scalars: scalars.subarray(from, to),
    content: content.subarray(from * 3, to * 3),
  })
  const [one, many] = [join(directory, 'one'), join(directory, 'many')]
  write(one, options, [slice(0, n)])
  write(many, options, [slice(0, 1), slice(1, 1), slice(1, 4500), slice(4500, n)])
  assert.ok(readFileSync(one).equals(readFileSync(many)))
})

test('an int8 table of 64 dims takes at most 96 bytes per item', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  const n = 100_000
  const vectors = new Float32Array(n * 64).fill(0.125)
  write(path, { dims: 64, dtype: 'int8', id_kind: 'u64' }, [
    { ids: BigUint64Array.from({ length: n }, (_, i) => BigInt(i)), vectors },
  ])
  const per_item = statSync(path).size / n
  assert.ok(per_item <= 96, `${per_item} bytes per item`)
})

test('ids that repeat or collide are refused, and nothing is left behind', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'items.table')
  const strings = ItemTableWriter.create(path, { dims: 1, dtype: 'float32', id_kind: 'string' })
  strings.append({ ids: ['a', 'b'], vectors: new Float32Array(2) })
  strings.append({ ids: ['c', 'b'], vectors: new Float32Array(2) })
  assert.throws(() => strings.finish(), /item 3 \(counted from 0\) repeats item 1: both have id "b"/)
  const numbers = ItemTableWriter.create(path, { dims: 1, dtype: 'float32', id_kind: 'u64' })
  numbers.append({ ids: BigUint64Array.of(9n, 9n), vectors: new Float32Array(2) })
  assert.throws(() => numbers.finish(), /item 1 \(counted from 0\) repeats item 0: both have key 9/)
  assert.throws(
    () => numbers.append({ ids: BigUint64Array.of(1n), vectors: new Float32Array(1) }),
    /finished or aborted/,
  )
  assert.deepEqual(readdirSync(directory), [])
})

test('a table that is being written, or was given up, leaves the old one in place', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'items.table')
  const options: TableOptions = { dims: 1, dtype: 'float32', id_kind: 'u64' }
  write(path, options, [{ ids: BigUint64Array.of(1n), vectors: new Float32Array(1) }])
  const before = readFileSync(path)
  const writer = ItemTableWriter.create(path, options)
  writer.append({ ids: BigUint64Array.of(2n, 3n), vectors: new Float32Array(2) })
  assert.ok(readFileSync(path).equals(before))
  writer.abort()
  assert.ok(readFileSync(path).equals(before))
  assert.deepEqual(readdirSync(directory), ['items.table'])
})

test('a batch that does not fit is refused with the item and the reason', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  const options: TableOptions = { dims: 2, dtype: 'float16', id_kind: 'string', content_dims: 1 }
  const writer = ItemTableWriter.create(path, options)
  t.after(() => writer.abort())
  const good = { ids: ['x'], vectors: new Float32Array(2), content: new Float32Array(1) }
  const refused = (batch: ItemBatch, message: RegExp) => assert.throws(() => writer.append(batch), message)
  refused({ ...good, ids: BigUint64Array.of(1n) }, /ids are a BigUint64Array, but the table's id_kind is string/)
  refused({ ...good, vectors: new Float32Array(3) }, /vectors has 3 numbers, expected 2/)
  refused({ ...good, content: undefined }, /content has 0 numbers, expected 1/)
  refused({ ...good, scalars: new Float32Array(1) }, /scalars has 1 numbers, expected 0/)
  refused({ ...good, vectors: Float32Array.of(0, Number.NaN) }, /vector of item x has NaN at index 1/)
  refused({ ...good, vectors: Float32Array.of(1e6, 0) }, /vector of item x has 1000000 at index 0/)
  refused({ ...good, content: Float32Array.of(Number.POSITIVE_INFINITY) }, /content of item x has Infinity/)
  writer.append(good)
  assert.equal(writer.finish().rows, 1)
})

test('options that make no table are refused before a file is made', (t) => {
  const directory = temporaryDirectory(t)
  const good: TableOptions = { dims: 2, dtype: 'int8', id_kind: 'u64' }
  const refused = (change: Partial<TableOptions>, message: RegExp) =>
    assert.throws(() => ItemTableWriter.create(join(directory, 'x'), { ...good, ...change }), message)
  refused({ dims: 0 }, /dims is 0, expected 1 to 1024/)
  refused({ sketch: true }, /int8 rows are as small as sketches/)
  refused({ content_dims: 1.5 }, /content_dims is 1.5/)
  refused({ scalars: ['a b'] }, /scalar name "a b"/)
  refused({ scalars: Array.from({ length: 17 }, (_, i) => `s${i}`) }, /17 scalars, expected at most 16/)
  refused({ fingerprint: 'xyz' }, /fingerprint is "xyz"/)
  assert.deepEqual(readdirSync(directory), [])
  assert.ok(!existsSync(join(directory, 'x')))
})

test('an open table does not count as memory that a collection could free', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  const n = 50_000
  const ids = BigUint64Array.from({ length: n }, (_, i) => BigInt(i))
  const { vectors, content } = randomBatch(n, { dims: 64, scalars: 0, content: 16, seed: 3 })
  write(path, { dims: 64, dtype: 'float32', id_kind: 'u64', content_dims: 16 }, [{ ids, vectors, content }])
  const before = process.memoryUsage().external
  const table = ItemTable.open(path)
  t.after(() => table.close())
  table.readContent(table.rowsOf(ids.subarray(0, 100)), new Float32Array(1600))
  const taken = process.memoryUsage().external - before
  assert.ok(taken < table.info.bytes / 10, `${taken} of ${table.info.bytes} bytes`)
})

test('rows past the end, short outputs and closed tables are refused', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  write(path, { dims: 2, dtype: 'float32', id_kind: 'u64', content_dims: 2 }, [
    { ids: BigUint64Array.of(1n), vectors: new Float32Array(2), content: new Float32Array(2) },
  ])
  const table = ItemTable.open(path)
  assert.throws(() => table.keysOf(Uint32Array.of(1)), /row 1, the table has 1/)
  assert.throws(() => table.idsOf(Uint32Array.of(NO_ROW)), /row 4294967295, the table has 1/)
  assert.throws(() => table.readContent(Uint32Array.of(1), new Float32Array(2)), /row 1, the table has 1/)
  assert.throws(() => table.readVectors(Uint32Array.of(0, 0), new Float32Array(3)), /out holds 3 floats, 4 are needed/)
  table.close()
  table.close()
  assert.throws(() => table.keysOf(Uint32Array.of(0)), /the table is closed/)
  assert.throws(() => table.rowsOf(BigUint64Array.of(1n)), /the table is closed/)
})

test('a table without ids still finds rows, but has no ids to give', (t) => {
  const path = join(temporaryDirectory(t), 'items.table')
  write(path, { dims: 1, dtype: 'float32', id_kind: 'string', keep_ids: false }, [
    { ids: ['a', 'b'], vectors: new Float32Array(2) },
  ])
  const table = openTable(t, path)
  assert.equal(table.info.has_ids, false)
  assert.throws(() => table.idsOf(Uint32Array.of(0)), /built without original ids/)
  assert.deepEqual(table.rowsOf(table.keysOf(Uint32Array.of(1, 0))), Uint32Array.of(1, 0))
})
