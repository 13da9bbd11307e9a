/** Runs of a tower on one thread by batch size, after a check that a row's answer does not depend on its batch. */
import { readFileSync } from 'node:fs'
import { elementsOf, sharedBytes, sharedViews } from '../../src/tower/layout.ts'
import { openSession } from '../../src/tower/session.ts'
import { type Spread, spreadOf } from '../lib/statistics.ts'
import type { Tower } from './bundles.ts'
import { drawFeeds } from './requests.ts'

/** By precision: how far a component may move when the batch changes (docs/formats.md §9). */
const TOLERANCE = { float32: 1e-5, int8: 1e-3 }
/** Runs are repeated until a sample takes this long. */
const SAMPLE_MS = 20

export type Run = { bundle: string; precision: string; batch: number; run: Spread; rows_per_s: number }

export type OpenTower = { tower: Tower; run(rows: number): Promise<void>; difference: number }

/** Opens, fills the memory with different requests, and checks. */
export async function openTower(tower: Tower, batch_max: number): Promise<OpenTower> {
  const { signature, manifest, precision, batch_limit } = tower
  const tensors = [...signature.inputs, signature.output]
  const memory = new SharedArrayBuffer(sharedBytes(tensors, batch_max))
  const { run } = await openSession(readFileSync(signature.model), {
    ...{ ...signature, batch_max, intra_op_threads: 1, warm_up_share: 1, memory },
  })
  const views = sharedViews(memory, tensors, batch_max)
  const load = (row: number, feed: ArrayLike<number>[]) => {
    for (const [index, values] of feed.entries()) views[index].set(values, row * values.length)
  }
  const width = elementsOf(signature.output)
  const output = (row: number) => views[views.length - 1].slice(row * width, (row + 1) * width)
  const feeds = drawFeeds(manifest, { count: batch_max, seed: 1 })
  for (const [row, feed] of feeds.entries()) load(row, feed)
  await run(batch_max)
  const together = feeds.map((_, row) => output(row))
  let difference = 0
  for (const [row, feed] of feeds.entries()) {
    load(0, feed)
    await run(1)
    const alone = output(0)
    for (const [index, value] of together[row].entries())
      difference = Math.max(difference, Math.abs(value - alone[index]))
  }
  load(0, feeds[0])
  if (batch_limit > 1 && !(difference <= TOLERANCE[precision])) {
    throw new Error(`${signature.model}: a row differs by ${difference} in a batch, expected ≤ ${TOLERANCE[precision]}`)
  }
  return { tower, run, difference }
}

/** Every tower at every batch size, in turn. */
export async function timeRuns(
  towers: OpenTower[],
  { batches, rounds }: { batches: number[]; rounds: number },
): Promise<Run[]> {
  const cells = towers.flatMap(({ tower, run }) =>
    batches.map((batch) => ({ tower, run, batch, times: [] as number[], repeats: 1 })),
  )
  for (let round = -1; round < rounds; round++) {
    for (const cell of cells) {
      const start_ms = performance.now()
      for (let repeat = 0; repeat < cell.repeats; repeat++) await cell.run(cell.batch)
      const run_ms = (performance.now() - start_ms) / cell.repeats
      if (round >= 0) cell.times.push(run_ms)
      cell.repeats = Math.max(1, Math.round(SAMPLE_MS / run_ms))
    }
  }
  return cells.map(({ tower, batch, times }) => {
    const run = spreadOf(times)
    return { bundle: tower.bundle, precision: tower.precision, batch, run, rows_per_s: (1000 * batch) / run.median }
  })
}
