/** One size in one format on one variant: closed loops, then open loops at shares of the best of them. */
import { type Load, measure } from './measure.ts'
import { type Cost, type Meter, metered } from './meter.ts'
import type { Variant } from './plans.ts'
import type { Summary } from './summary.ts'
import type { Format } from './workload.ts'

const REQUESTS_MIN = 16
/** Beside resolve: the two run at the same time, so only the longer one counts. */
const SIDE_BY_SIDE = ['resolve', 'features']

export type Closed = { connections: number; summary: Summary; cost: Cost }
export type Open = { share: number; rate_per_s: number; summary: Summary; cost: Cost }

export type ServiceRow = {
  variant: Variant
  format: Format
  candidates: number
  closed: Closed[]
  /** Requests per second of the best closed loop. */
  saturation_per_s: number
  open: Open[]
  /** Stage times of one connection on the way from first to last, and what remains of its p50: sockets, HTTP, the client. */
  stages_sum_ms: number
  outside_ms: number
}

export type Setting = {
  variant: Variant
  bundle: string
  format: Format
  candidates: number
  seconds: number
  connections: number[]
  shares: number[]
  /** Every load has its own requests: those of the last one would be in the blob cache. */
  nextSeed: () => number
}

export async function measureRow(meter: Meter, setting: Setting): Promise<ServiceRow> {
  const { variant, bundle, format, candidates, seconds, shares } = setting
  const run = async (load: Partial<Load>) => {
    const { result, cost } = await metered(meter, {
      load: () => measure({ url: meter.url, bundle, format, candidates, seconds, seed: setting.nextSeed(), ...load }),
      answered: ({ requests }) => ({ requests, candidates: requests * candidates }),
    })
    return { summary: result, cost }
  }
  const closed: Closed[] = []
  for (const connections of setting.connections) {
    closed.push({ connections, ...(await run({ connections, requests: REQUESTS_MIN })) })
  }
  const saturation_per_s = Math.max(...closed.map(({ summary }) => summary.requests_per_s))
  const open: Open[] = []
  for (const share of shares) {
    const rate = share * saturation_per_s
    open.push({ share, rate_per_s: rate, ...(await run({ rate, arrivals: 'poisson' })) })
  }
  const { p50_ms, stages_ms } = closed[0].summary
  const stages_sum_ms = sumStages(stages_ms)
  const outside_ms = p50_ms - stages_sum_ms
  return { variant, format, candidates, closed, saturation_per_s, open, stages_sum_ms, outside_ms }
}

function sumStages(stages_ms: Record<string, number>): number {
  const parallel = SIDE_BY_SIDE.map((name) => stages_ms[name] ?? 0)
  const others = Object.entries(stages_ms).filter(([name]) => !SIDE_BY_SIDE.includes(name))
  return Math.max(...parallel) + others.reduce((sum, [, ms]) => sum + ms, 0)
}
