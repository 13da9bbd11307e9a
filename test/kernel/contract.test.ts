/** What every kernel does, shape by shape, with the reference as the oracle of all numbers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DTYPES } from '../../src/items/format.ts'
import type { Kernel, ScoreInput } from '../../src/kernel/kernel.ts'
import { referenceKernel } from '../../src/kernel/reference.ts'
import { assertClose, sortedPositions } from './close.ts'
import { kernels, randomInput, withTables } from './world.ts'

const DIMS = [1, 3, 8, 16, 31, 64, 96, 128, 256]
const CANDIDATES = [0, 1, 15, 16, 17, 1000]
const HIDDEN = [[], [16], [7], [16, 5], [64, 64]]
const oracle = referenceKernel()

/** Scores, ranking and explanation of one input, each against the oracle. */
async function assertHolds(kernel: Kernel, input: ScoreInput, what: string): Promise<void> {
  const expected = await oracle.scoreAll(input)
  const scores = await kernel.scoreAll(input)
  assertClose(scores, expected, `${what}, scores`)
  const order = sortedPositions(scores, { rows: input.rows, table_rows: input.table.info.rows })
  const n = input.rows.length
  for (const k of [0, 1, Math.floor(n / 2), n, n + 5]) {
    const top = await kernel.topK(input, k)
    assert.deepEqual(Array.from(top.positions), order.slice(0, k), `${what}, best ${k}`)
    assert.deepEqual(
      top.scores,
      top.positions.length === 0 ? new Float32Array(0) : Float32Array.from(top.positions, (at) => scores[at]),
      `${what}, scores of the best ${k}`,
    )
  }
  const positions = Uint32Array.from({ length: Math.min(n, 40) }, (_, i) => (i * 7) % n)
  const [explained, plain] = [await kernel.explain(input, positions), await oracle.explain(input, positions)]
  assertClose(explained.raw, plain.raw, `${what}, raw`)
  assertClose(explained.transformed, plain.transformed, `${what}, transformed`)
  assertClose(explained.contributions, plain.contributions, `${what}, contributions`)
  assertClose(
    explained.scores,
    Float32Array.from(positions, (at) => scores[at]),
    `${what}, explained scores`,
  )
}

for (const kernel of kernels()) {
  for (const dtype of DTYPES) {
    test(`${kernel.name}: ${dtype} scores, ranks and explains every shape like the reference`, async () => {
      await withTables(async (make) => {
        let round = 0
        for (const dims of DIMS) {
          const sketch = dtype !== 'int8' && dims % 2 === 0
          const table = make({ rows: 700, dims, dtype, sketch, scalars: round % 4, seed: dims })
          for (const n of CANDIDATES) {
            round++
            const shape = { cross: round % 17, scalars: table.info.scalars.length, caller: round % 3 }
            const input = await randomInput(oracle, table, {
              ...shape,
              n,
              hidden: HIDDEN[round % HIDDEN.length],
              blobs: round % 5,
              seed: round,
              odd_values: round % 2 === 0,
            })
            await assertHolds(kernel, input, `D ${dims}, N ${n}, F ${shape.cross}`)
          }
        }
      })
    })

    test(`${kernel.name}: ${dtype} scores 100,003 candidates like the reference`, async () => {
      await withTables(async (make) => {
        for (const dims of [16, 31]) {
          const table = make({ rows: 110_000, dims, dtype, sketch: dtype === 'float32', scalars: 1 })
          const input = await randomInput(oracle, table, {
            ...{ n: 100_003, cross: 5, scalars: 1, caller: 1, hidden: [16], blobs: 5, seed: 3, odd_values: true },
          })
          const scores = await kernel.scoreAll(input)
          assertClose(scores, await oracle.scoreAll(input), 'scores')
          const order = sortedPositions(scores, { rows: input.rows, table_rows: table.info.rows })
          for (const k of [1000, 60_000, 100_003]) {
            const { positions } = await kernel.topK(input, k)
            assert.deepEqual(Array.from(positions), order.slice(0, k), `best ${k}, D ${dims}`)
          }
        }
      })
    })
  }
}
