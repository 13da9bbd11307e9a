/** What micro-batching gains: a row of the demo tower alone beside a row among others, on one thread. */
import { join } from 'node:path'
import '../../src/tower/telemetry.ts'
import { openTowers } from '../tower/bundles.ts'
import { openTower, timeRuns } from '../tower/runs.ts'
import type { Ratio } from './compare.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const BATCH = 32
const ROUNDS = 15

export async function towerRatios(): Promise<Ratio[]> {
  const towers = await openTowers(DEMO)
  const open = []
  for (const tower of towers.filter(({ batch_limit }) => batch_limit >= BATCH)) open.push(await openTower(tower, BATCH))
  const runs = await timeRuns(open, { batches: [1, BATCH], rounds: ROUNDS })
  return open.map(({ tower: { precision } }) => {
    const [alone, together] = runs.filter((run) => run.precision === precision)
    return {
      name: `tower_${precision}_batching`,
      what: `a row alone / one of ${BATCH} in a run, demo tower, ${precision}`,
      value: (BATCH * alone.run.low) / together.run.low,
    }
  })
}
