/** The soak's result, as a table and as plots. */
import { type Line, lineChart } from '../../bench/lib/plot.ts'
import type { Axis } from '../../bench/lib/plot_axis.ts'
import { quantile, type Recorder } from './record.ts'

export type SoakReport = {
  seed: number
  minutes: number
  requests: number
  answers_checked: number
  wrong_answers: number
  unexplained_errors: number
  engagements: number
  degraded_answers: number
  degraded_without_fault: number
  refused_by_faults: number
  abandoned: number
  faults: Record<string, number>
  by_format: Record<string, number>
  by_size: Record<string, number>
  p50_ms: number
  p99_ms: number
  rss_mb: { start: number | null; peak: number | null; end: number | null }
  messages: string[]
}

export function reportOf(recorder: Recorder, { seed, minutes }: { seed: number; minutes: number }): SoakReport {
  const { tally, slices, wrong, unexplained } = recorder
  const times = slices.flatMap(({ times_ms }) => times_ms)
  const rss = slices.flatMap(({ rss_mb }) => (rss_mb === null ? [] : [rss_mb]))
  const faults = Map.groupBy(recorder.faults, ({ name }) => name)
  return {
    seed,
    minutes,
    requests: tally.requests,
    answers_checked: tally.checked,
    wrong_answers: wrong.length,
    unexplained_errors: unexplained.length,
    engagements: tally.engagements,
    degraded_answers: tally.degraded,
    degraded_without_fault: tally.degraded_unexplained,
    refused_by_faults: tally.refused_explained,
    abandoned: tally.abandoned,
    faults: Object.fromEntries([...faults].map(([name, times]) => [name, times.length])),
    by_format: tally.by_format,
    by_size: tally.by_size,
    p50_ms: quantile(times, 0.5),
    p99_ms: quantile(times, 0.99),
    rss_mb: { start: rss[0] ?? null, peak: rss.length > 0 ? Math.max(...rss) : null, end: rss.at(-1) ?? null },
    messages: [...wrong, ...unexplained].filter((message) => message !== '…'),
  }
}

/** Markdown, so that it can stand in a document as it is. */
export function describe(report: SoakReport): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([name, count]) => `${name}: ${count.toLocaleString('en-US')}`)
      .join(', ')
  const mb = (value: number | null) => (value === null ? 'unknown' : `${value.toFixed(0)} MB`)
  const rows: [string, string | number][] = [
    ['requests', `${report.requests} (${list(report.by_format)})`],
    ['… by candidates', list(report.by_size)],
    ['answers checked, every score', report.answers_checked],
    ['engagements posted', report.engagements],
    ['faults injected', `${Object.values(report.faults).reduce((sum, n) => sum + n, 0)} (${list(report.faults)})`],
    ['answers degraded, and marked', report.degraded_answers],
    ['… while no fault of the store was on', report.degraded_without_fault],
    ['refusals that a fault explains', report.refused_by_faults],
    ['callers that went away', report.abandoned],
    ['wrong answers', report.wrong_answers],
    ['unexplained errors', report.unexplained_errors],
    ['latency of 1,000 candidates, p50 / p99', `${report.p50_ms.toFixed(1)} / ${report.p99_ms.toFixed(1)} ms`],
    ['RSS, start / peak / end', Object.values(report.rss_mb).map(mb).join(' / ')],
  ]
  const cell = (value: string | number) => (typeof value === 'number' ? value.toLocaleString('en-US') : value)
  const lines = rows.map(([what, value]) => `| ${what} | ${cell(value)} |`)
  const head = [`| ${report.minutes} minutes, seed ${report.seed} |  |`, '| --- | --- |']
  return [...head, ...lines, ...report.messages.map((message) => `\n${message}`)].join('\n')
}

/** Latency and memory over time; faults are shaded. */
/** File name → picture. */
export function plotsOf({ slices, faults }: Recorder): Record<string, string> {
  const timed = slices.filter(({ times_ms }) => times_ms.length > 0)
  const line = (name: string, share: number): Line => ({
    name,
    points: timed.map(({ at_s, times_ms }) => ({ x: at_s / 60, y: quantile(times_ms, share) })),
  })
  const x: Axis = { label: 'minutes; shaded: a fault', scale: 'linear' }
  const bands = faults.map(({ name, from_s, to_s }) => ({ name, from: from_s / 60, to: to_s / 60 }))
  const rss = slices.flatMap(({ at_s, rss_mb }) => (rss_mb === null ? [] : [{ x: at_s / 60, y: rss_mb }]))
  const latency = { title: 'Latency of 1,000 candidates', x, y: { label: 'ms', scale: 'log' as const }, bands }
  const memory = { title: 'Resident memory of the service', x, y: { label: 'MB', scale: 'linear' as const }, bands }
  return {
    'soak-latency.svg': lineChart({ ...latency, lines: [line('p50', 0.5), line('p99', 0.99)] }),
    ...(rss.length > 0 && { 'soak-rss.svg': lineChart({ ...memory, lines: [{ name: 'RSS', points: rss }] }) }),
  }
}
