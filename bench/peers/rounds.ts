/** Timing: rounds in which every side is started in turn, measured at every size in every format it speaks, and stopped. */
import { freePort } from '../../test/lib/redis_process.ts'
import { measure } from '../service/measure.ts'
import type { Summary } from '../service/summary.ts'
import type { Format } from '../service/workload.ts'
import { type Running, startProcess } from './process.ts'
import type { Setting, Side } from './sides.ts'

const CONNECTIONS = 8
const WARM_SECONDS = 1
const WARM_SEED = 1000
const REQUESTS_MIN = 16

export type Plan = { sizes: number[]; rounds: number; seconds: number }
export type Measured = { side: string; format: Format; candidates: number; summaries: Summary[] }
export type Shared = Omit<Setting, 'port'>

export async function withSide<T>(side: Side, shared: Shared, action: (running: Running) => Promise<T>): Promise<T> {
  const port = await freePort()
  const running = await startProcess(side.command({ ...shared, port }), port)
  try {
    return await action(running)
  } finally {
    await running.stop()
  }
}

/** Closed loop with 8 connections: throughput at saturation. */
export async function saturate(sides: Side[], shared: Shared, plan: Plan): Promise<Measured[]> {
  const measured = sides.flatMap((side) =>
    plan.sizes.flatMap((candidates) =>
      side.formats.map((format): Measured => ({ side: side.name, format, candidates, summaries: [] })),
    ),
  )
  for (let round = 0; round < plan.rounds; round++) {
    for (const side of sides) {
      const mine = measured.filter((one) => one.side === side.name)
      await withSide(side, shared, async ({ url }) => {
        for (const one of mine) {
          const load = { url, bundle: shared.bundle, format: one.format, candidates: one.candidates }
          const loop = { ...load, connections: CONNECTIONS }
          await measure({ ...loop, seconds: WARM_SECONDS, seed: WARM_SEED + round })
          // All sides get the same requests in a round, which are not those that warmed them up.
          one.summaries.push(await measure({ ...loop, seconds: plan.seconds, requests: REQUESTS_MIN, seed: round }))
        }
      })
    }
  }
  return measured
}

/** One open loop to run: requests of one size at a fixed rate. */
export type Rate = { candidates: number; rate: number }
export type Tail = Rate & { side: string; format: Format; summary: Summary }

export async function openLoops(
  side: Side,
  shared: Shared,
  options: { rates: Rate[]; seconds: number },
): Promise<Tail[]> {
  return withSide(side, shared, async ({ url }) => {
    const tails: Tail[] = []
    for (const { candidates, rate } of options.rates) {
      for (const format of side.formats) {
        const load = { url, bundle: shared.bundle, format, candidates }
        await measure({ ...load, seconds: WARM_SECONDS, connections: 1, seed: WARM_SEED })
        tails.push({
          side: side.name,
          format,
          candidates,
          rate,
          summary: await measure({ ...load, seconds: options.seconds, rate, arrivals: 'poisson' }),
        })
      }
    }
    return tails
  })
}
