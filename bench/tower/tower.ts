/**
 * The query tower: runs by batch size on one thread, then the pool in closed loops with micro-batching and without, on the demo
 * bundle and on the paper's shape (`--paper DIR`, or made by Python unless `--quick`). That a batch changes no answer is checked first.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import '../../src/tower/telemetry.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { paperBundle } from '../service/paper_bundle.ts'
import { openTowers } from './bundles.ts'
import { type Hop, measureHops } from './hops.ts'
import { measurePools, type PoolRow } from './pools.ts'
import { describeHops, describePools, describeRuns, summarise, type TowerSummary } from './report.ts'
import { openTower, type Run, timeRuns } from './runs.ts'

const BATCH_MAX = 32
const FULL = { batches: [1, 2, 4, 8, 16, 32, 64], rounds: 9, pool_rounds: 5, round_ms: 600 }
const QUICK = { batches: [1, 8, 32], rounds: 5, pool_rounds: 3, round_ms: 250 }

export type TowerReport = {
  machine: Machine
  summary: Record<string, TowerSummary>
  /** The largest difference of a row's answer alone and in a batch. */
  batch_difference: Record<string, number>
  runs: Run[]
  pools: PoolRow[]
  hops: Hop[]
}

type Options = { quick: boolean; json: boolean; paper?: string; python?: string }

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')

export async function run(options: Options): Promise<TowerReport> {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-'))
  try {
    return await measure(options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(options: Options, folder: string): Promise<TowerReport> {
  const say = (text: string) => options.json || console.log(text)
  const { batches, rounds, pool_rounds, round_ms } = options.quick ? QUICK : FULL
  const paper = paperOf(options, folder)
  if ('missing' in paper) say(`without the paper's tower: ${paper.missing}`)
  const towers = (await Promise.all([DEMO, ...('bundle' in paper ? [paper.bundle] : [])].map(openTowers))).flat()
  const open = []
  for (const tower of towers) open.push(await openTower(tower, Math.max(...batches)))
  const batch_difference = Object.fromEntries(
    open.map(({ tower, difference }) => [`${tower.bundle}.${tower.precision}`, difference]),
  )
  say(`\nlargest difference of a row alone and in a batch: ${JSON.stringify(batch_difference)}\n`)
  const runs = await timeRuns(open, { batches, rounds })
  say(describeRuns(runs))
  const pools: PoolRow[] = []
  for (const tower of towers) {
    pools.push(
      ...(await measurePools(tower, {
        concurrencies: [1, 8, 64],
        rounds: pool_rounds,
        round_ms,
        batch_max: BATCH_MAX,
      })),
    )
  }
  say(`\nclosed loop over the pool, one worker\n${describePools(pools)}`)
  const hops = await measureHops({ rounds: pool_rounds, trips: 300 })
  say(`\nmain thread to worker and back, beyond the computation\n${describeHops(hops)}`)
  const summary = summarise(runs, pools)
  say(`\n${JSON.stringify(summary)}`)
  return { machine: describeMachine(), summary, batch_difference, runs, pools, hops }
}

/** Making it takes minutes: more than `quick` has. */
function paperOf({ quick, paper, python }: Options, folder: string): { bundle: string } | { missing: string } {
  if (quick && !paper) return { missing: '--quick measures only one that --paper names' }
  return paperBundle({ folder: join(folder, 'paper'), given: paper, python })
}
