/**
 * A table with sketches gives, bit by bit, the answers of a table without: of many candidates only those whose rows might be
 * among the best are read. Nobody can tell, but by what a table answers whose sketches are wrong.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Dtype, HEADER_BYTES } from '../../src/items/format.ts'
import { decodeHeader, type Header } from '../../src/items/header.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import type { Formula, ScoreInput, TopK } from '../../src/kernel/kernel.ts'
import { temporaryDirectory } from '../items/directory.ts'
import { createRandom, type Random } from '../lib/random.ts'
import {
  blob,
  identity,
  kernels,
  keyOf,
  linear,
  randomFormula,
  randomInput,
  type TableShape,
  unitVector,
  withTables,
  writeTable,
} from './world.ts'

const DIMS = [1, 3, 8, 16, 31, 64, 96, 128, 256]
const HIDDEN = [[], [16], [7], [16, 5], [64, 64]]
const SKETCHED: Dtype[] = ['float32', 'float16']
/** Enough for sketches to be used. */
const ROWS = 5000

/** The one that reads sketches, where it could be compiled. */
const kernel = kernels().at(-1)!

async function assertSame(input: ScoreInput, twin: ItemTable, what: string, sizes?: number[]): Promise<void> {
  const n = input.rows.length
  for (const k of sizes ?? [0, 1, 10, 100, n >> 3, n >> 1, n - 1]) {
    const [found, expected] = [await kernel.topK(input, k), await kernel.topK({ ...input, table: twin }, k)]
    assert.deepEqual(bits(found), bits(expected), `${what}, best ${k}`)
  }
}

const bits = ({ positions, scores }: TopK) => ({ positions, scores: new Uint32Array(scores.slice().buffer) })

type Make = (shape: TableShape) => ItemTable
const twins = (make: Make, shape: TableShape) => [true, false].map((sketch) => make({ ...shape, sketch }))

for (const dtype of SKETCHED) {
  test(`${dtype} sketches change no answer, whatever the shape`, async () => {
    await withTables(async (make) => {
      for (const [round, dims] of DIMS.entries()) {
        const [table, twin] = twins(make, { rows: ROWS, dims, dtype, scalars: round % 4, seed: dims })
        for (const [index, hidden] of HIDDEN.entries()) {
          const seed = 10 * round + index
          const shape = { cross: seed % 7, scalars: round % 4, caller: seed % 3, hidden, blobs: seed % 4, n: 6000 }
          const input = await randomInput(kernel, table, { ...shape, seed, odd_values: seed % 2 === 0 })
          await assertSame(input, twin, `D ${dims}, hidden ${hidden}`)
        }
      }
    })
  })
}

test('calls split over threads give the same answers too', async () => {
  await withTables(async (make) => {
    const [table, twin] = twins(make, { rows: 110_000, dims: 33, dtype: 'float32', scalars: 1 })
    const shape = { cross: 5, scalars: 1, caller: 1, hidden: [16], blobs: 5, n: 100_003 }
    const input = await randomInput(kernel, table, { ...shape, seed: 4, odd_values: true })
    await assertSame(input, twin, 'in parts', [1, 1000, 5000, 60_000])
  })
})

/** What a table may hold that bounds of errors are not fond of. */
const ADVERSARIES: Record<string, (random: Random, row: number) => number> = {
  'unit vectors': (random) => random.normal() / 5,
  'scores closer than any sketch can tell': (random) => 0.2 + 1e-5 * random.normal(),
  'one vector for all': () => 0.125,
  'seven vectors': (_, row) => Math.sin(1 + (row % 7)),
  zeros: () => 0,
  'huge numbers': (random) => random.normal() * 1e37,
  'numbers beyond any product': (random) => (random.uniform() < 0.5 ? 1 : -1) * 3.3e38,
  denormals: (random) => random.normal() * 1e-42,
  'one large row': (random, row) => random.normal() * (row === 4321 ? 1e12 : 1),
  'all magnitudes': (random, row) => random.normal() * 10 ** ((row % 60) - 30),
}

const QUERIES: Record<string, (random: Random, d: number) => number> = {
  'unit vector': (random) => random.normal() / 5,
  zeros: () => 0,
  huge: (random) => random.normal() * 1e30,
  tiny: (random) => random.normal() * 1e-40,
  NaN: (random, d) => (d === 3 ? Number.NaN : random.normal()),
  infinity: (random, d) => (d === 0 ? -Infinity : random.normal()),
}

const chosen = fc.record({
  query: fc.constantFrom(...Object.keys(QUERIES)),
  shape: fc.record({
    ...{ cross: fc.nat(6), scalars: fc.constant(1), caller: fc.nat(2), blobs: fc.nat(3), n: fc.constant(5000) },
    hidden: fc.array(fc.integer({ min: 1, max: 33 }), { maxLength: 2 }),
    ...{ seed: fc.nat(), odd_values: fc.boolean() },
  }),
  dot_weight: fc.oneof(fc.constantFrom(-1, 1, 0, 1e-30, -1e20), fc.double({ min: -3, max: 3, noNaN: true })),
  k: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 4999 })),
})

for (const [name, component] of Object.entries(ADVERSARIES)) {
  test(`sketches change no answer for ${name}`, async () => {
    await withTables(async (make) => {
      const random = createRandom(3)
      const vectors = Float32Array.from({ length: ROWS * 24 }, (_, at) => component(random, Math.floor(at / 24)))
      const [table, twin] = twins(make, { rows: ROWS, dims: 24, dtype: 'float32', scalars: 1, vectors })
      await fc.assert(
        fc.asyncProperty(chosen, async ({ query, shape, dot_weight, k }) => {
          const input = await randomInput(kernel, table, shape)
          input.query = input.query.map((_, d) => QUERIES[query](random, d))
          weighDot(input.formula, dot_weight)
          await assertSame(input, twin, query, [k])
        }),
        { numRuns: 60 },
      )
    })
  })
}

/** The weight of the dot product into every unit of the first layer, as it was drawn, times `factor`. */
function weighDot({ layers: [first] }: Formula, factor: number): void {
  const inputs = first.weights.length / first.bias.length
  for (let unit = 0; unit < first.bias.length; unit++) first.weights[unit * inputs] *= factor
}

/**
 * What bounds are for: in each of seven groups all products with the query are equal but for a hair, while the vectors lie far
 * apart, so that the sketches' products differ by nearly all that they may. Which group is best depends on the formula.
 */
const GROUPS = 7
const productOf = (group: number) => group / GROUPS - 0.5

function hardVectors(random: Random, query: Float32Array): Float32Array {
  const dims = query.length
  const vectors = new Float32Array(ROWS * dims)
  for (let row = 0; row < ROWS; row++) {
    const vector = Float32Array.from({ length: dims }, () => 2 * random.uniform() - 1)
    const wanted = productOf(row % GROUPS) + 1e-6 * random.normal()
    const found = vector.reduce((sum, x, d) => sum + x * query[d], 0)
    vectors.set(
      vector.map((x, d) => x + (wanted - found) * query[d]),
      row * dims,
    )
  }
  return vectors
}

/** Units of the first layer that turn on where a group's products are, or as near as a sketch may take for it. */
function turnOnAtGroups(random: Random, { layers: [{ weights, bias }] }: Formula): void {
  for (let unit = 0; unit < bias.length; unit++) {
    bias[unit] = -weights[unit] * (productOf(random.integer(GROUPS)) + 0.02 * (random.uniform() - 0.5))
  }
}

for (const dims of [2, 3, 8]) {
  test(`vectors of ${dims} dims whose sketches are as wrong as they may be are found all the same`, async () => {
    await withTables(async (make) => {
      const random = createRandom(dims)
      const query = unitVector(random, dims)
      const vectors = hardVectors(random, query)
      const [table, twin] = twins(make, { rows: ROWS, dims, dtype: 'float32', vectors })
      for (let round = 0; round < 200; round++) {
        const input = plainInput(table, query)
        const hidden = [[], [8], [8, 4], [1]][round % 4]
        input.formula = randomFormula(random, { cross: 0, scalars: 0, caller: 0, hidden })
        if (hidden.length > 0) turnOnAtGroups(random, input.formula)
        await assertSame(input, twin, `hidden ${hidden}, round ${round}`, [1, 30, 300, 600])
      }
    })
  })
}

/** All rows as candidates, the score is the dot product. */
function plainInput(table: ItemTable, query: Float32Array): ScoreInput {
  const rows = Uint32Array.from({ length: table.info.rows }, (_, row) => row)
  const formula = { cross: [], scalars: [], caller: [], layers: linear([1]) }
  return { table, formula, keys: BigUint64Array.from(rows, keyOf), rows, query, blobs: [], columns: [] }
}

type Change = (bytes: Buffer, header: Header) => void

/** Tables whose bytes were changed behind their writer's back; a unit vector each for ROWS rows of 64 dims. */
function forge(t: TestContext, { sketch, change }: { sketch: boolean; change: Change }): ItemTable {
  const path = join(temporaryDirectory(t), 'forged.table')
  writeTable(path, { rows: ROWS, dims: 64, dtype: 'float32', sketch })
  const bytes = readFileSync(path)
  change(bytes, decodeHeader(bytes.subarray(0, HEADER_BYTES), bytes.length))
  writeFileSync(path, bytes)
  const table = ItemTable.open(path)
  t.after(() => table.close())
  return table
}

/** As if the item were nothing like what its row says. */
const forgetSketch =
  (row: number): Change =>
  (bytes, { sections, sketch_stride }) =>
    bytes.fill(0, sections.sketch.offset + row * sketch_stride, sections.sketch.offset + (row + 1) * sketch_stride)

/** The score is the dot product and a tenth at most, by counts: were the second pass to take those of others, it would be in vain. */
function countsOf(items: number): Pick<ScoreInput, 'formula' | 'blobs'> {
  const numbers = Array.from({ length: items }, (_, i) => i)
  const [keys, counts] = [numbers.map(keyOf), numbers.map((i) => (i * 37) % 101)]
  return {
    formula: { cross: [{ prior: 0, transform: identity(0) }], scalars: [], caller: [], layers: linear([1, 1]) },
    blobs: [blob({ keys, counts: [counts], totals: [1000], features: [0] })],
  }
}

/** Where sketches decide, an item whose sketch is gone is not among the best; where they must not, it is the best. */
for (const native of kernels().filter(({ name }) => name === 'native')) {
  test('sketches decide whose rows are read, where that pays and can be proven', async (t) => {
    const query = unitVector(createRandom(8), 64)
    const honest = plainInput(forge(t, { sketch: true, change: () => {} }), query)
    const [best] = (await native.topK(honest, 1)).positions
    const input = { ...honest, table: forge(t, { sketch: true, change: forgetSketch(best) }) }
    const finds = async (change: Partial<ScoreInput>, k: number) =>
      (await native.topK({ ...input, ...change }, k)).positions.includes(best)
    assert.equal(await finds({}, 1), false)
    assert.equal(await finds({}, 100), false)
    assert.equal(await finds({}, ROWS / 2), true, 'half of the candidates are asked for')
    const few = { keys: input.keys.subarray(best, best + 500), rows: input.rows.subarray(best, best + 500) }
    assert.deepEqual(Array.from((await native.topK({ ...input, ...few }, 1)).positions), [0], 'few candidates')
    const scores = await native.scoreAll(input)
    assert.equal(scores.indexOf(Math.max(...scores)), best, 'all scores are asked for')
    const formula = { ...input.formula, layers: linear([1], Number.NaN) }
    assert.equal(await finds({ formula }, best + 1), true, 'all scores are NaN')
    assert.equal(await finds({ query: query.map((x) => x * 1e38) }, 1), true, 'products might overflow')
    for (const items of [ROWS, 3 * ROWS])
      assert.equal(await finds(countsOf(items), 100), false, `counts of ${items} items`)
  })
}

test('rows that hold NaN, which no writer writes, come last with sketches as without', async (t) => {
  const query = unitVector(createRandom(9), 64)
  const damage: Change = (bytes, { sections, row_stride }) => {
    for (let row = 0; row < ROWS; row += 3) bytes.writeFloatLE(Number.NaN, sections.rows.offset + row * row_stride)
  }
  const [table, twin] = [true, false].map((sketch) => forge(t, { sketch, change: damage }))
  await assertSame(plainInput(table, query), twin, 'NaN in every third row')
})
