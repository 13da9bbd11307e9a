/** A batch never changes an answer: the committed towers, and the check that the tower benchmark rests on. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openTowers, type Tower } from '../../bench/tower/bundles.ts'
import { summarise } from '../../bench/tower/report.ts'
import { drawFeeds } from '../../bench/tower/requests.ts'
import { openTower } from '../../bench/tower/runs.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import '../../src/tower/telemetry.ts'

const scratch = mkdtempSync(join(tmpdir(), 'prerank-bench-tower-'))
after(() => rmSync(scratch, { recursive: true }))

const towers = await openTowers(join(import.meta.dirname, '..', '..', 'models', 'demo'))
const towerOf = (precision: Tower['precision']) => towers.find((tower) => tower.precision === precision)!

test('a request scores the same alone and beside any others, in batches of every size', async () => {
  for (const tower of towers.filter(({ batch_limit }) => batch_limit > 1)) {
    for (const batch of [2, 5, 16, 33]) await openTower(tower, batch)
  }
})

test('a tower that takes its scales from the batch though it says otherwise is found out', async () => {
  const { directory } = await writeTinyBundle(join(scratch, 'tiny'), { int8_scales: 'row' })
  const tiny = await openTowers(directory)
  await openTower(tiny[0], 16)
  await assert.rejects(
    openTower(tiny[1], 16),
    /query_tower.int8.onnx: a row differs by 0\.\d+ in a batch, expected ≤ 0.001/,
  )
})

test('the same seed draws the same requests, another seed others', () => {
  const { manifest } = towerOf('float32')
  const draw = (seed: number) => drawFeeds(manifest, { count: 3, seed })
  assert.deepEqual(draw(1), draw(1))
  assert.notDeepEqual(draw(1), draw(2))
})

test('the summary compares micro-batching with one request per run at the same load', () => {
  const run = { median: 1, low: 1, high: 1 }
  const runs = [1, 8].map((batch) => ({ bundle: 'b', precision: 'int8', batch, run, rows_per_s: 1000 * batch }))
  const row = (concurrency: number, batch_max: number, requests_per_s: number) => ({
    ...{ bundle: 'b', precision: 'int8', batch_max, concurrency, requests_per_s, p99_ms: 9, mean_batch: 1 },
    ...{ p50_ms: 1000 / requests_per_s, cpu_ms: 900 / requests_per_s },
  })
  const summary = summarise(runs, [row(1, 1, 100), row(1, 32, 80), row(64, 1, 100), row(64, 32, 400)])
  assert.deepEqual(summary['b.int8'], {
    run_ms_alone: 1,
    row_ms_batched: 0.125,
    saturation_per_s: 400,
    batching_throughput: 4,
    batching_cpu: 4,
    batching_p50_low_load: 1.25,
  })
  assert.equal(summarise(runs, [row(1, 1, 100), row(64, 1, 100)])['b.int8'].batching_throughput, null)
})
