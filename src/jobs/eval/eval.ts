/**
 * `prerank eval`: held-out requests through the server's own pipeline, with the metrics of the training code. The two must
 * agree on the same bundle and requests: that is the test against train/serve skew.
 */
import type { Job } from '../run/job.ts'
import { JobError } from '../run/job.ts'
import { type Interval, userInterval } from './interval.ts'
import { METRICS, type Metric, type RequestMetrics, requestMetrics } from './metrics.ts'
import type { HeldOutRequest } from './requests.ts'
import { type EvalServingOptions, openEvalServing } from './serving.ts'
import { createSystems, type System } from './systems.ts'

export type EvalOptions = EvalServingOptions & {
  requests: AsyncIterable<HeldOutRequest>
  /** Whether they carry caller columns. */
  caller: boolean
  /** Where they come from, for messages. */
  source: string
  job: Job
}

export type SystemResult = { title: string } & Record<Metric, Interval>

export type EvalResult = {
  bundle: { name: string; version: string; fingerprint: string }
  precision: string
  kernel: string
  requests: number
  candidates: number
  /** Requests that the store left without some feature. */
  degraded: number
  systems: Record<string, SystemResult>
}

type Tally = { system: System; metrics: RequestMetrics[]; degraded: number }

export async function evaluate(options: EvalOptions): Promise<EvalResult> {
  const { serving, close } = await openEvalServing(options)
  try {
    const tallies = createSystems(serving, options).map((system): Tally => ({ system, metrics: [], degraded: 0 }))
    const { users, candidates } = await rankAll(options, tallies)
    const { name, version, fingerprint } = serving.bundle.manifest
    return {
      bundle: { name, version, fingerprint },
      precision: serving.bundle.precision,
      kernel: serving.kernel.name,
      requests: users.length,
      candidates,
      degraded: Math.max(...tallies.map((tally) => tally.degraded)),
      systems: Object.fromEntries(tallies.map((tally) => [tally.system.name, summarise(tally, users)])),
    }
  } finally {
    await close()
  }
}

async function rankAll({ requests, source, job }: EvalOptions, tallies: Tally[]) {
  const step = job.progress.step('ranking', { unit: 'requests' })
  const users: (string | undefined)[] = []
  let candidates = 0
  for await (const held of requests) {
    job.signal.throwIfAborted()
    const gains = held.request.candidates.map((id) => held.engaged[String(id)] ?? 0)
    for (const tally of tallies) {
      const { scores, degraded } = await tally.system.score(held)
      tally.metrics.push(requestMetrics(scores, gains))
      if (degraded) tally.degraded++
    }
    users.push(held.request.user?.id)
    candidates += gains.length
    step.advance(users.length)
  }
  if (users.length === 0) throw new JobError(`${source}: no request in it, expected at least one`)
  step.finish(`${users.length} requests`)
  return { users, candidates }
}

function summarise({ system, metrics }: Tally, users: (string | undefined)[]): SystemResult {
  const entries = METRICS.map((name): [Metric, Interval] => [
    name,
    userInterval(
      metrics.map((values) => values[name]),
      users,
    ),
  ])
  return { title: system.title, ...(Object.fromEntries(entries) as Record<Metric, Interval>) }
}
