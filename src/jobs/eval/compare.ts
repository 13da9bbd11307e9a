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
}

type Evaluation = { systems?: Record<string, Partial<Record<Metric, { mean: number }>>> }

export async function compareWith(
  result: EvalResult,
  { path, system, tolerance }: { path: string; system: string; tolerance: number },
): Promise<Comparison> {
  const evaluation = JSON.parse(await readFile(path, 'utf8')) as Evaluation
  const trained = evaluation.systems?.[system]
  if (!trained) {
    const known = Object.keys(evaluation.systems ?? {}).join(', ')
    throw new JobError(`${path}: no system "${system}" in it; it has ${known || 'none'}`)
  }
  const entries = METRICS.map((metric) => {
    const mean = trained[metric]?.mean ?? Number.NaN
    const served = result.systems.served[metric].mean
    return [metric, { trained: mean, served, difference: served - mean }] as const
  })
  const ok = entries.every(([, { difference }]) => Math.abs(difference) <= tolerance)
  return { system, tolerance, differences: Object.fromEntries(entries) as Comparison['differences'], ok }
}
