import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeCountBlob, parseCountBlob } from '../../src/features/counts.ts'
import { topItems } from '../../src/features/top_items.ts'

const columns = ['click', 'save']

function blobOf(counts: number[], total: number) {
  const keys = BigUint64Array.from(counts, (_, index) => BigInt(10 * index))
  const all = Uint32Array.from([...counts.map(() => 9), ...counts])
  return parseCountBlob(
    encodeCountBlob({ columns, as_of_ms: 0, totals: Float64Array.of(1, total), keys, counts: all }),
    columns,
  )
}

test('the highest counts come first, ties by key, with their share of the total', () => {
  const { keys, shares } = topItems(blobOf([1, 5, 0, 5, 2], 20), { column: 1, n: 3 })
  assert.deepEqual([...keys], [10n, 30n, 40n])
  assert.deepEqual([...shares], [0.25, 0.25, Math.fround(0.1)])
})

test('items without a count are not among the best', () => {
  assert.equal(topItems(blobOf([0, 0, 3, 0], 3), { column: 1, n: 3 }).keys.length, 1)
  assert.equal(topItems(blobOf([], 0), { column: 1, n: 3 }).keys.length, 0)
})

test('it agrees with sorting everything', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 8 }), (counts, n) => {
      const expected = counts
        .map((count, index) => ({ count, key: BigInt(10 * index) }))
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || Number(a.key - b.key))
        .slice(0, n)
      assert.deepEqual(
        [...topItems(blobOf(counts, 100), { column: 1, n }).keys],
        expected.map(({ key }) => key),
      )
    }),
  )
})
