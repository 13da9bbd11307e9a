/** The kernel's rules, one small example each, with the expected numbers worked out by hand. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KernelInputError } from '../../src/kernel/errors.ts'
import {
  type CountBlob,
  type Formula,
  type Kernel,
  NO_ROW,
  type ScoreInput,
  type TopK,
} from '../../src/kernel/kernel.ts'
import { assertClose } from './close.ts'
import { blob, identity, kernels, keyOf, linear, randomInput, withTables } from './world.ts'

const dot_only: Formula = { cross: [], scalars: [], caller: [], layers: linear([1]) }

/** Score = the only caller column; candidate i stands in row i. */
async function withColumn<T>(column: Float32Array, body: (input: ScoreInput) => Promise<T>): Promise<T> {
  return withTables(async (make) => {
    const table = make({ rows: Math.max(1, column.length), dims: 4, dtype: 'float32' })
    const rows = Uint32Array.from(column, (_, i) => i)
    const formula = { ...dot_only, caller: [identity()], layers: linear([0, 1]) }
    const keys = BigUint64Array.from(column, (_, i) => keyOf(i))
    return body({ table, formula, keys, rows, query: new Float32Array(4), blobs: [], columns: [column] })
  })
}

/** Raw and transformed cross features of the candidates keyOf(0), keyOf(1), …, n of them. */
async function crossOf(kernel: Kernel, { blobs, priors, n }: { blobs: CountBlob[]; priors: number[]; n: number }) {
  return withTables(async (make) => {
    const cross = priors.map((prior) => ({ prior, transform: identity(-9) }))
    const explanation = await kernel.explain(
      {
        table: make({ rows: n, dims: 1, dtype: 'float32' }),
        formula: { ...dot_only, cross, layers: linear([0, ...priors.map(() => 1)]) },
        keys: BigUint64Array.from({ length: n }, (_, i) => keyOf(i)),
        rows: Uint32Array.from({ length: n }, (_, i) => i),
        query: new Float32Array(1),
        blobs,
        columns: [],
      },
      Uint32Array.from({ length: n }, (_, i) => i),
    )
    const width = 1 + priors.length
    const pick = (values: Float32Array) =>
      Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * width + 1, (i + 1) * width)))
    return { raw: pick(explanation.raw), transformed: pick(explanation.transformed) }
  })
}

for (const kernel of kernels()) {
  const title = (behaviour: string) => `${kernel.name}: ${behaviour}`

  test(title('finds rows, and counts unknown and repeated candidates'), async () => {
    await withTables(async (make) => {
      const table = make({ rows: 10, dims: 2, dtype: 'int8' })
      const keys = BigUint64Array.of(keyOf(9), 0n, keyOf(0), keyOf(9), 2n ** 64n - 1n, keyOf(0), keyOf(4), 0n)
      assert.deepEqual(await kernel.resolve(table, keys), {
        rows: Uint32Array.of(9, NO_ROW, 0, NO_ROW, NO_ROW, NO_ROW, 4, NO_ROW),
        unknown: 3,
        duplicates: 2,
      })
      const memory = new Uint32Array(keys.length).fill(77)
      const { rows } = await kernel.resolve(table, keys, memory)
      assert.equal(rows, memory)
      assert.deepEqual(rows.slice(0, 3), Uint32Array.of(9, NO_ROW, 0))
      const none = await kernel.resolve(table, new BigUint64Array(0))
      assert.deepEqual(none, { rows: new Uint32Array(0), unknown: 0, duplicates: 0 })
    })
  })

  test(title('finds every row of a large table'), async () => {
    await withTables(async (make) => {
      const rows = 60_000
      const table = make({ rows, dims: 1, dtype: 'int8' })
      const keys = BigUint64Array.from({ length: 2 * rows }, (_, i) => keyOf(i >> 1) + BigInt(i & 1))
      const resolved = await kernel.resolve(table, keys)
      assert.equal(resolved.unknown, rows)
      assert.equal(resolved.duplicates, 0)
      const expected = Uint32Array.from({ length: 2 * rows }, (_, i) => (i & 1 ? NO_ROW : i >> 1))
      assert.deepEqual(resolved.rows, expected)
    })
  })

  test(title('works on an empty table'), async () => {
    await withTables(async (make) => {
      const table = make({ rows: 0, dims: 3, dtype: 'float16' })
      const input = await randomInput(kernel, make({ rows: 5, dims: 3, dtype: 'float16' }), {
        ...{ n: 20, cross: 2, scalars: 0, caller: 1, hidden: [3], blobs: 1, seed: 1 },
      })
      const { rows, unknown } = await kernel.resolve(table, input.keys)
      assert.equal(unknown, 20)
      assert.deepEqual(await kernel.topK({ ...input, table, rows }, 5), {
        positions: new Uint32Array(0),
        scores: new Float32Array(0),
      })
      assertClose(await kernel.scoreAll({ ...input, table, rows }), new Float32Array(20).fill(Number.NaN), 'scores')
    })
  })

  test(title('hashes ids with XXH64 of their UTF-8 bytes'), () => {
    const long = 'x'.repeat(2000)
    const ids = ['', 'a', 'abc', 'é', '漢字', '😀', 'item-0123456789-0123456789-0123456789', long, '\ud800', 'a\0b']
    const hashes = kernel.hashIds(ids)
    const known = ['ef46db3751d8e999', 'd24ec4f1a98c6e5b', '44bc2cf5ad770999']
    assert.deepEqual(
      Array.from(hashes.subarray(0, 3), (hash) => hash.toString(16)),
      known,
    )
    assert.equal(new Set(hashes).size, ids.length)
    assert.deepEqual(kernel.hashIds(['\ud800', 'x'.repeat(511)]), kernel.hashIds(['\ufffd', 'x'.repeat(511)]))
    for (const length of [506, 507, 508, 509, 510, 511, 512, 513]) {
      const [hash] = kernel.hashIds(['é'.repeat(length)])
      assert.notEqual(hash, kernel.hashIds(['é'.repeat(length - 1)])[0])
    }
  })

  test(title('ranks by score, then position, and puts NaN last'), async () => {
    const infinity = Number.POSITIVE_INFINITY
    const column = Float32Array.of(1, infinity, infinity, -0, 0, 2, -infinity, 1, infinity, 2, 1e-42, -1e-42)
    const other = Float32Array.of(0, -infinity, 0, -0, 0, 0, 0, 0, -infinity, 0, 0, 0)
    await withColumn(column, async ({ formula, columns, ...rest }) => {
      const sum = { ...formula, caller: [identity(), identity()], layers: linear([0, 1, 1]) }
      const input = { ...rest, formula: sum, columns: [...columns, other] }
      const { positions, scores } = await kernel.topK(input, 100)
      assert.deepEqual(Array.from(positions), [2, 5, 9, 0, 7, 10, 3, 4, 11, 6, 1, 8])
      const ranked = [infinity, 2, 2, 1, 1, 1e-42, 0, 0, -1e-42, -infinity, Number.NaN, Number.NaN]
      assertClose(scores, Float32Array.from(ranked), 'scores')
      assert.deepEqual((await kernel.topK(input, 0)).positions, new Uint32Array(0))
      assert.deepEqual(Array.from((await kernel.topK(input, 4)).positions), [2, 5, 9, 0])
    })
  })

  test(title('keeps the earliest of many equal scores, however many times its buffer fills'), async () => {
    const n = 30_000
    await withColumn(new Float32Array(n).fill(7), async (input) => {
      for (const k of [1, 1000, 4097]) {
        const { positions } = await kernel.topK(input, k)
        assert.deepEqual(
          positions,
          Uint32Array.from({ length: k }, (_, i) => i),
        )
      }
    })
    const rising = Float32Array.from({ length: n }, (_, i) => Math.floor(i / 10))
    await withColumn(rising, async (input) => {
      const { positions } = await kernel.topK(input, 25)
      const expected = Array.from({ length: 25 }, (_, i) => n - 10 * (1 + Math.floor(i / 10)) + (i % 10))
      assert.deepEqual(Array.from(positions), expected)
    })
  })

  test(title('never returns candidates without a row'), async () => {
    await withColumn(Float32Array.of(5, 4, 3, 2), async (input) => {
      const rows = Uint32Array.of(NO_ROW, 1, 4, 3)
      assert.deepEqual((await kernel.topK({ ...input, rows }, 4)).positions, Uint32Array.of(1, 3))
      assertClose(await kernel.scoreAll({ ...input, rows }), Float32Array.of(Number.NaN, 4, Number.NaN, 2), 'scores')
    })
  })

  test(title('transforms as docs/formats.md §4 says'), async () => {
    const { raw, cases } = JSON.parse(readFileSync('test/fixtures/formats/transform.json', 'utf8'))
    const number = (x: number | string | null) =>
      x === null ? Number.NaN : Number(String(x).replace('inf', 'Infinity'))
    await withColumn(Float32Array.from(raw, number), async (input) => {
      for (const { transform, values } of cases) {
        const formula = { ...input.formula, caller: [transform] }
        const { transformed } = await kernel.explain({ ...input, formula }, Uint32Array.from(input.rows))
        const found = transformed.filter((_, i) => i % 2 === 1)
        const expected = Float32Array.from(values, number)
        assertClose(found, expected, JSON.stringify(transform))
        // The error is relative to the value, not to 1: counts per query are near 1e-5.
        for (const [i, x] of expected.entries()) {
          assert.ok(!Number.isFinite(x) || Math.abs(found[i] - x) <= 1e-5 * Math.abs(x) + 1e-9)
        }
      }
    })
  })

  test(title('log1p is right to 1e-6 over all magnitudes'), async () => {
    const column = Float32Array.from({ length: 4000 }, (_, i) => 10 ** (-40 + (78 * i) / 4000))
    await withColumn(column, async (input) => {
      const log1p = { ...identity(0), kind: 'log1p' as const }
      const scores = await kernel.scoreAll({ ...input, formula: { ...input.formula, caller: [log1p] } })
      scores.forEach((score, i) => {
        const expected = Math.log1p(column[i])
        assert.ok(
          Math.abs(score - expected) <= 1e-6 * expected + 1e-44,
          `${score} of ${column[i]}, expected ${expected}`,
        )
      })
    })
  })

  test(title('counts are missing without totals, and 0 for an item that is not listed'), async () => {
    const found = await crossOf(kernel, {
      n: 3,
      priors: [0, 10],
      blobs: [blob({ keys: [keyOf(1)], totals: [50, 0], counts: [[5], [3]], features: [0, 1] })],
    })
    const nan = Number.NaN
    assertClose(Float32Array.from(found.raw.flat()), Float32Array.of(0, nan, 0.1, nan, 0, nan), 'raw', 1e-7)
    const expected = Float32Array.of(0, -9, 0.1, -9, 0, -9)
    assertClose(Float32Array.from(found.transformed.flat()), expected, 'transformed', 1e-7)
  })

  test(title('a total next to nothing makes counts large, and leaves a count of 0 what it is'), async () => {
    for (const total of [2e-39, 1e-45, Number.MIN_VALUE]) {
      const found = await crossOf(kernel, {
        n: 4,
        priors: [0],
        blobs: [blob({ keys: [0, 1, 2].map(keyOf), totals: [total], counts: [[0, 1, 5]], features: [0] })],
      })
      const largest = Math.fround(3.4028234663852886e38)
      assert.deepEqual(found.raw.flat(), [0, largest, Number.POSITIVE_INFINITY, 0], `total of ${total}`)
    }
  })

  test(title('sums counts and totals of all blobs that feed a feature'), async () => {
    const found = await crossOf(kernel, {
      n: 3,
      priors: [2],
      blobs: [
        blob({
          keys: [keyOf(0), keyOf(2)],
          totals: [10, 99],
          counts: [
            [1, 2],
            [7, 7],
          ],
          features: [0, -1],
        }),
        blob({ keys: [keyOf(2)], totals: [3, 5], counts: [[4], [8]], features: [0, 0] }),
        blob({ keys: [], totals: [12], counts: [[]], features: [0] }),
      ],
    })
    assert.deepEqual(
      found.raw,
      [[1 / 32], [0], [14 / 32]].map((row) => row.map(Math.fround)),
    )
  })

  test(title('reads blobs at any address'), async () => {
    const one = blob({ keys: [keyOf(0), keyOf(1)], totals: [8], counts: [[2, 6]], features: [0] })
    for (let shift = 1; shift < 9; shift++) {
      // A Buffer, as Redis clients give them: its `slice` shares memory.
      const bytes = Buffer.alloc(one.bytes.length + shift).subarray(shift)
      bytes.set(one.bytes)
      const { raw } = await crossOf(kernel, { n: 2, priors: [0], blobs: [{ ...one, bytes }] })
      assert.deepEqual(raw, [[0.25], [0.75]])
    }
  })

  test(title('lets NaN pass through hidden layers'), async () => {
    await withColumn(Float32Array.of(1, -1), async (input) => {
      const weights = Float32Array.of(0, 1, 0, -1)
      const hidden = { weights, bias: Float32Array.of(0, Number.NaN) }
      const layers = [hidden, { weights: Float32Array.of(1, 1), bias: Float32Array.of(0) }]
      const scores = await kernel.scoreAll({ ...input, formula: { ...input.formula, layers } })
      assert.deepEqual(Array.from(scores), [Number.NaN, Number.NaN])
    })
  })

  test(title('explains a linear score as weight × feature'), async () => {
    await withColumn(Float32Array.of(2, Number.NaN), async (input) => {
      const formula = { ...input.formula, caller: [identity(-3)], layers: linear([5, 0.5], 1) }
      const { raw, transformed, contributions, scores } = await kernel.explain(
        { ...input, formula },
        Uint32Array.of(1, 0, 1),
      )
      assert.deepEqual(Array.from(raw), [0, Number.NaN, 0, 2, 0, Number.NaN])
      assert.deepEqual(Array.from(transformed), [0, -3, 0, 2, 0, -3])
      assert.deepEqual(Array.from(contributions), [0, -1.5, 0, 1, 0, -1.5])
      assert.deepEqual(Array.from(scores), [-0.5, 2, -0.5])
    })
  })

  test(title('gives 64 calls at once the answers of one by one'), async () => {
    await withTables(async (make) => {
      const table = make({ rows: 20_000, dims: 64, dtype: 'float16' })
      const shape = { cross: 5, scalars: 0, caller: 1, hidden: [16], blobs: 3 }
      const inputs = await Promise.all(
        Array.from({ length: 8 }, (_, seed) => randomInput(kernel, table, { ...shape, n: 500 + 400 * seed, seed })),
      )
      const alone: TopK[] = []
      for (const input of inputs) alone.push(await kernel.topK(input, 100))
      const together = await Promise.all(Array.from({ length: 64 }, (_, i) => kernel.topK(inputs[i % 8], 100)))
      for (const [i, answer] of together.entries()) assert.deepEqual(answer, alone[i % 8])
    })
  })

  test(title('refuses input that does not fit together'), async () => {
    await withColumn(Float32Array.of(1, 2), async (input) => {
      const refused = (change: Partial<ScoreInput>, message: RegExp) =>
        assert.rejects(kernel.topK({ ...input, ...change }, 1), (error) => {
          return error instanceof KernelInputError && message.test(error.message)
        })
      await refused({ query: new Float32Array(3) }, /query vector of 3, the table has 4 dims/)
      await refused({ keys: new BigUint64Array(1) }, /1 keys, but 2 rows/)
      await refused({ columns: [] }, /0 caller columns, the formula has 1/)
      await refused({ columns: [new Float32Array(1)] }, /caller column 0 has 1 values for 2 candidates/)
      await refused({ formula: { ...input.formula, layers: linear([1]) } }, /layer 0 has 1 weights, expected 1 × 2/)
      await refused({ formula: { ...input.formula, layers: [] } }, /0 layers, expected 1 to 3/)
      await refused({ formula: { ...input.formula, caller: [{ ...identity(), std: 0 }] } }, /std 0/)
      await refused({ formula: { ...input.formula, scalars: [identity()] } }, /scalars|weights/)
      await assert.rejects(kernel.topK(input, -1), /k is -1/)
      await assert.rejects(kernel.explain(input, Uint32Array.of(2)), /position 2 of 2 candidates/)
    })
  })

  test(title('refuses a damaged count blob and says which'), async () => {
    const good = blob({
      keys: [1n, 5n],
      totals: [4, 4],
      counts: [
        [1, 1],
        [2, 2],
      ],
      features: [0, -1],
    })
    const damaged = (change: (view: DataView) => void, checked = true): CountBlob => {
      const bytes = good.bytes.slice()
      change(new DataView(bytes.buffer))
      return { bytes, features: good.features, checked }
    }
    const cases: [CountBlob, RegExp][] = [
      [{ ...good, bytes: good.bytes.subarray(0, 31) }, /31 bytes, expected at least 32/],
      [{ ...good, bytes: good.bytes.subarray(0, -1) }, /79 bytes, expected 80 for 2 items/],
      [{ ...good, bytes: new Uint8Array(0) }, /0 bytes/],
      [{ ...good, features: Int16Array.of(0) }, /2 columns, but 1 are mapped/],
      [{ ...good, features: Int16Array.of(0, 1) }, /feeds cross feature 1 of 1/],
      [damaged((view) => view.setUint8(0, 0)), /magic 0x42435200, expected 0x42435250/],
      [damaged((view) => view.setUint16(4, 2, true)), /version 2, expected 1/],
      [damaged((view) => view.setUint16(6, 0, true)), /0 columns/],
      [damaged((view) => view.setUint16(6, 65, true)), /65 columns/],
      [damaged((view) => view.setUint32(8, 2 ** 25, true)), /33554432 items, expected at most/],
      [damaged((view) => view.setUint32(8, 3, true)), /80 bytes, expected 96 for 3 items/],
      [damaged((view) => view.setFloat64(32, Number.NaN, true)), /total of nan/i],
      [damaged((view) => view.setFloat64(40, -1, true)), /total of -1/],
      [damaged((view) => view.setBigUint64(48, 5n, true)), /keys do not ascend at item 1/],
      [damaged((view) => view.setUint8(79, 1), false), /checksum differs/],
    ]
    for (const [bad, message] of cases) {
      await assert.rejects(crossOf(kernel, { n: 3, priors: [0], blobs: [good, bad] }), (error) => {
        assert.ok(error instanceof KernelInputError)
        assert.equal(error.blob, 1)
        assert.match(error.message, message)
        return true
      })
    }
  })
}
