/** The served bundle's metrics beside those that the training code measured (`evaluation.json`). */
import { readFile } from 'node:fs/promises'
import { JobError } from '../run/job.ts'
import type { EvalResult } from './eval.ts'
import { METRICS, type Metric } from './metrics.ts'

export type Comparison = {
  system: string
  tolerance: number
  differences: Record<Metric, { trained: number; served: number; difference: number }>
  ok: boolean
  /** Means of the other systems that the training code measured on its requests: baselines. */
  others: { title: string; means: Record<Metric, number> }[]
}

type Trained = { title?: string } & Partial<Record<Metric, { mean: number }>>
type Evaluation = { systems?: Record<string, Trained> }

const meansOf = (trained: Trained) =>
  Object.fromEntries(METRICS.map((metric) => [metric, trained[metric]?.mean ?? Number.NaN])) as Record<Metric, number>

export async function compareWith(
  result: EvalResult,
  { path, system, tolerance }: { path: string; system: string; tolerance: number },
): Promise<Comparison> {
  const evaluation = JSON.parse(await readFile(path, 'utf8')) as Evaluation
  const { [system]: own, ...rest } = evaluation.systems ?? {}
  if (!own) {
    const known = Object.keys(rest).join(', ')
    throw new JobError(`${path}: no system "${system}" in it; it has ${known || 'none'}`)
  }
  const means = meansOf(own)
  const entries = METRICS.map((metric) => {
    const trained = means[metric]
    const served = result.systems.served[metric].mean
    return [metric, { trained, served, difference: served - trained }] as const
  })
  const others = Object.entries(rest).map(([name, other]) => ({ title: other.title ?? name, means: meansOf(other) }))
  const ok = entries.every(([, { difference }]) => Math.abs(difference) <= tolerance)
  return { system, tolerance, differences: Object.fromEntries(entries) as Comparison['differences'], ok, others }
}
