/** Measured ratios beside those of the baseline. In every ratio more is better, so a loss is a fall. */
import { formatTable } from '../lib/table.ts'

export type Ratio = { name: string; what: string; value: number }
export type Baseline = {
  /** Share of a ratio that may be lost before the check fails. */
  loss_max: number
  /** The machine they were measured on; ratios travel better than times, but not perfectly. */
  machine: string
  ratios: Ratio[]
}

export type Verdict = { name: string; what: string; baseline: number; value: number; change: number; ok: boolean }

/** `attempts` are repeated measurements: what slowed one of them only is not a regression, so the best one counts. */
export function judge({ loss_max, ratios }: Baseline, attempts: Ratio[][]): Verdict[] {
  const names = new Set(attempts.flat().map(({ name }) => name))
  const unknown = [...names].filter((name) => !ratios.some((ratio) => ratio.name === name))
  if (unknown.length > 0) throw new Error(`baseline.json has no ${unknown.join(', ')}: bench -- check --update`)
  return ratios.map(({ name, what, value: baseline }) => {
    const found = attempts.flat().filter((ratio) => ratio.name === name)
    if (found.length === 0) throw new Error(`baseline.json has ${name}, which is not measured: bench -- check --update`)
    const value = Math.max(...found.map((ratio) => ratio.value))
    const change = value / baseline - 1
    return { name, what, baseline, value, change, ok: change >= -loss_max }
  })
}

export function verdictTable(verdicts: Verdict[]): string {
  const body = verdicts.map(({ name, what, baseline, value, change, ok }) => [
    ...[name, baseline.toFixed(3), value.toFixed(3), `${change < 0 ? '−' : '+'}${Math.abs(100 * change).toFixed(0)} %`],
    ...[ok ? 'ok' : 'LOST', what],
  ])
  return formatTable(['ratio', 'baseline', 'now', 'change', '', 'what'], body)
}
