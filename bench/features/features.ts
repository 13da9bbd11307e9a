/**
 * Features of a request on the main thread: reading them from Redis on loopback and bringing them to the tower's inputs, step by
 * step; and packed count blobs beside hashes, with the same answers.
 */
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { openBed } from './bed.ts'
import type { Cost } from './in_turn.ts'
import { compareLayouts, type LayoutRow } from './layouts.ts'
import { measureStages, type Stage } from './stages.ts'

const FULL = { rounds: 31, sizes: [100, 1000, 10_000], layout_rounds: 9, requests: 32 }
const QUICK = { rounds: 9, sizes: [1000], layout_rounds: 3, requests: 16 }

export type FeaturesSummary = {
  /** Processor time of the main thread: plan, cached read, decode and inputs of a request. */
  cpu_us: number
  /** HMGET over one packed blob per key at N = 1,000: time of a request. */
  hashes_over_packed: number
}
export type FeaturesReport = {
  machine: Machine
  summary: FeaturesSummary
  stages: Record<Stage, Cost>
  layouts: LayoutRow[]
}

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<FeaturesReport> {
  const say = (text: string) => json || console.log(text)
  const { rounds, sizes, layout_rounds, requests } = quick ? QUICK : FULL
  const bed = await openBed()
  try {
    const stages = await measureStages(bed, { rounds })
    say(`\nper request, main thread\n${describeStages(stages)}`)
    const layouts = await compareLayouts(bed, { sizes, rounds: layout_rounds, requests })
    say(`\none round trip per request, by layout of the counts\n${describeLayouts(layouts)}`)
    const summary = summarise(stages, layouts)
    say(`\n${JSON.stringify(summary)}`)
    return { machine: describeMachine(), summary, stages, layouts }
  } finally {
    await bed.close()
  }
}

function summarise(stages: Record<Stage, Cost>, layouts: LayoutRow[]): FeaturesSummary {
  const steps: Stage[] = ['plan', 'read_cached', 'decode_cached', 'inputs']
  const time = (side: LayoutRow['side']) =>
    layouts.find((row) => row.candidates === 1000 && row.side === side)!.cost.wall_us.median
  return {
    cpu_us: steps.reduce((sum, step) => sum + stages[step].cpu_us.median, 0),
    hashes_over_packed: time('hashes') / time('packed'),
  }
}

function describeStages(stages: Record<Stage, Cost>): string {
  const body = Object.entries(stages).map(([name, { wall_us, cpu_us }]) => [
    ...[
      name,
      wall_us.median.toFixed(1),
      `${wall_us.low.toFixed(1)}–${wall_us.high.toFixed(1)}`,
      cpu_us.median.toFixed(1),
    ],
  ])
  return formatTable(['step', 'µs', 'quartiles', 'CPU µs'], body)
}

function describeLayouts(rows: LayoutRow[]): string {
  const body = rows.map(({ candidates, side, cost, redis_cpu_us }) => [
    ...[candidates.toLocaleString('en-US'), side, cost.wall_us.median.toFixed(0), cost.cpu_us.median.toFixed(0)],
    redis_cpu_us.toFixed(0),
  ])
  return formatTable(['N', 'layout', 'µs', 'CPU µs', 'CPU µs of Redis'], body)
}
