/** Laws that hold for any input, sought to be broken by fast-check. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DTYPES } from '../../src/items/format.ts'
import { type CountBlob, NO_ROW, type ScoreInput } from '../../src/kernel/kernel.ts'
import { referenceKernel } from '../../src/kernel/reference.ts'
import { assertClose, sortedPositions } from './close.ts'
import { blob, identity, kernels, keyOf, linear, randomInput, withTables } from './world.ts'

const oracle = referenceKernel()
const float = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e-42))
const key = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(300).map(keyOf), fc.nat(40).map(BigInt))

const blobs = fc.array(
  fc
    .record({
      keys: fc.uniqueArray(key, { maxLength: 40 }),
      columns: fc.array(fc.record({ total: fc.nat(1000), feature: fc.integer({ min: -1, max: 2 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      count: fc.nat(50),
    })
    .map(({ keys, columns, count }): CountBlob => {
      const ascending = keys.sort((a, b) => (a < b ? -1 : 1))
      return blob({
        keys: ascending,
        totals: columns.map(({ total }) => total),
        counts: columns.map((_, c) => ascending.map((_, i) => (count + 7 * i + c) % 60)),
        features: columns.map(({ feature }) => feature),
      })
    }),
  { maxLength: 5 },
)

for (const kernel of kernels()) {
  test(`${kernel.name}: resolve gives every known key its row once, in the order of the candidates`, async () => {
    await withTables(async (make) => {
      const table = make({ rows: 200, dims: 1, dtype: 'int8' })
      await fc.assert(
        fc.asyncProperty(fc.array(key, { maxLength: 400 }), async (keys) => {
          const { rows, unknown, duplicates } = await kernel.resolve(table, BigUint64Array.from(keys))
          const known = (one: bigint) => one % 3n === 1n && one < keyOf(200)
          const expected = keys.map((one, i) => (known(one) && keys.indexOf(one) === i ? Number(one / 3n) : NO_ROW))
          assert.deepEqual(Array.from(rows), expected)
          assert.equal(unknown, keys.filter((one) => !known(one)).length)
          assert.equal(duplicates, keys.filter((one, i) => known(one) && keys.indexOf(one) !== i).length)
        }),
      )
    })
  })

  test(`${kernel.name}: the best k are the first k of all candidates sorted`, async () => {
    await withTables(async (make) => {
      const table = make({ rows: 600, dims: 1, dtype: 'float32' })
      const column = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), float), { maxLength: 600 })
      await fc.assert(
        fc.asyncProperty(column, fc.nat(700), async (values, k) => {
          const input = columnInput(table, Float32Array.from(values))
          const scores = await kernel.scoreAll(input)
          const order = sortedPositions(scores, { rows: input.rows, table_rows: 600 })
          const top = await kernel.topK(input, k)
          assert.deepEqual(Array.from(top.positions), order.slice(0, k))
        }),
      )
    })
  })

  test(`${kernel.name}: joins any blobs with any candidates like the reference`, async () => {
    await withTables(async (make) => {
      const table = make({ rows: 300, dims: 2, dtype: 'float32' })
      await fc.assert(
        fc.asyncProperty(fc.array(key, { maxLength: 120 }), blobs, async (keys, some) => {
          const cross = [0, 1, 5].map((prior) => ({ prior, transform: identity(-4) }))
          const input: ScoreInput = {
            table,
            formula: { cross, scalars: [], caller: [], layers: linear([1, 1, 2, 4]) },
            keys: BigUint64Array.from(keys),
            // Repeated candidates keep their row here: the join must not count on resolve.
            rows: Uint32Array.from(keys, (_, i) => i % 300),
            query: Float32Array.of(1, -1),
            ...{ blobs: some, columns: [] },
          }
          assertClose(await kernel.scoreAll(input), await oracle.scoreAll(input), 'scores')
        }),
      )
    })
  })

  test(`${kernel.name}: scores any shape like the reference`, async () => {
    await withTables(async (make) => {
      const tables = DTYPES.map((dtype) => make({ rows: 90, dims: 24, dtype, sketch: dtype === 'float16', scalars: 2 }))
      const shape = fc.record({
        ...{ cross: fc.nat(16), scalars: fc.constant(2), caller: fc.nat(4), blobs: fc.nat(6), n: fc.nat(300) },
        hidden: fc.array(fc.integer({ min: 1, max: 33 }), { maxLength: 2 }),
        ...{ seed: fc.nat(), odd_values: fc.boolean() },
      })
      await fc.assert(
        fc.asyncProperty(shape, fc.constantFrom(...tables), async (chosen, table) => {
          const input = await randomInput(oracle, table, chosen)
          assertClose(await kernel.scoreAll(input), await oracle.scoreAll(input), 'scores')
        }),
      )
    })
  })

  test(`${kernel.name}: hashes any strings like the reference`, () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 700 })), (ids) => {
        assert.deepEqual(kernel.hashIds(ids), oracle.hashIds(ids))
      }),
    )
  })
}

function columnInput(table: ScoreInput['table'], column: Float32Array): ScoreInput {
  const n = column.length
  return {
    table,
    formula: { cross: [], scalars: [], caller: [identity(2)], layers: linear([0, 1]) },
    keys: BigUint64Array.from({ length: n }, (_, i) => keyOf(i)),
    rows: Uint32Array.from({ length: n }, (_, i) => (i % 11 === 5 ? NO_ROW : i)),
    ...{ query: Float32Array.of(1), blobs: [], columns: [column] },
  }
}
