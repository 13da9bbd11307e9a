/** Rows and ratios out of the measurements, as JSON and as Markdown. */
import { spreadOf } from '../lib/statistics.ts'
import { formatTable } from '../lib/table.ts'
import type { Format } from '../service/workload.ts'
import type { Measured, Tail } from './rounds.ts'

export type Row = {
  side: string
  format: Format
  candidates: number
  /** Median over the rounds, and the two ends. */
  requests_per_s: number
  requests_per_s_range: [number, number]
  p50_ms: number
  p99_ms: number
  /** Our throughput over this side's, by our format. For the echo: our share. */
  prerank_over: Record<Format, number>
}

export function rowsOf(measured: Measured[]): Row[] {
  const rates = (one: Measured) => one.summaries.map(({ requests_per_s }) => requests_per_s)
  const ours = (format: Format, candidates: number) => {
    const found = measured.find(
      (one) => one.side === 'prerank' && one.format === format && one.candidates === candidates,
    )
    return found ? spreadOf(rates(found)).median : Number.NaN
  }
  return measured.map((one) => {
    const { side, format, candidates, summaries } = one
    const requests_per_s = spreadOf(rates(one)).median
    return {
      side,
      format,
      candidates,
      requests_per_s,
      requests_per_s_range: [Math.min(...rates(one)), Math.max(...rates(one))],
      p50_ms: spreadOf(summaries.map(({ p50_ms }) => p50_ms)).median,
      p99_ms: spreadOf(summaries.map(({ p99_ms }) => p99_ms)).median,
      prerank_over: {
        json: ours('json', candidates) / requests_per_s,
        cbor: ours('cbor', candidates) / requests_per_s,
      },
    }
  })
}

export function saturationTable(rows: Row[]): string {
  const sizes = [...new Set(rows.map(({ candidates }) => candidates))]
  const body = sizes.flatMap((size) => rows.filter(({ candidates }) => candidates === size)).map(saturationCells)
  const head = ['candidates', 'side', 'format', 'req/s', 'range', 'p50 ms', 'p99 ms', 'ours JSON ×', 'ours CBOR ×']
  return formatTable(head, body)
}

function saturationCells(row: Row): string[] {
  return [
    row.candidates.toLocaleString('en-US'),
    row.side,
    row.format,
    short(row.requests_per_s),
    row.requests_per_s_range.map(short).join('–'),
    row.p50_ms.toFixed(2),
    row.p99_ms.toFixed(2),
    row.prerank_over.json.toFixed(2),
    row.prerank_over.cbor.toFixed(2),
  ]
}

export function tailTable(tails: Tail[]): string {
  const head = ['candidates', 'rate (80 % of peer)', 'side', 'format', 'p50 ms', 'p99 ms', 'failures']
  const body = tails.map(({ candidates, rate, side, format, summary }) => [
    candidates.toLocaleString('en-US'),
    `${short(rate)} req/s`,
    side,
    format,
    summary.p50_ms.toFixed(2),
    summary.p99_ms.toFixed(2),
    `${summary.failures}`,
  ])
  return formatTable(head, body)
}

const short = (value: number) => value.toFixed(value < 100 ? 1 : 0)
