/** The tower benchmark's numbers as tables, and the few that others compare. */
import { formatTable } from '../lib/table.ts'
import type { Hop } from './hops.ts'
import type { PoolRow } from './pools.ts'
import type { Run } from './runs.ts'

/** Per bundle and precision; ratios of micro-batching to one request per run where requests may share runs. */
export type TowerSummary = {
  run_ms_alone: number
  row_ms_batched: number
  saturation_per_s: number
  batching_throughput: number | null
  /** Processor time per request, one per run over micro-batched: what the machine does meanwhile moves it least. */
  batching_cpu: number | null
  batching_p50_low_load: number | null
}

export function summarise(runs: Run[], pools: PoolRow[]): Record<string, TowerSummary> {
  const nameOf = ({ bundle, precision }: { bundle: string; precision: string }) => `${bundle}.${precision}`
  return Object.fromEntries(
    [...Map.groupBy(runs, nameOf)].map(([name, mine]) => {
      const rows = pools.filter((row) => nameOf(row) === name)
      const largest = Math.max(...rows.map(({ concurrency }) => concurrency))
      const compare = (concurrency: number, value: (row: PoolRow) => number) => {
        const at = rows.filter((row) => row.concurrency === concurrency)
        const alone = at.find(({ batch_max }) => batch_max === 1)
        const batched = at.find(({ batch_max }) => batch_max > 1)
        return alone && batched ? value(batched) / value(alone) : null
      }
      const summary: TowerSummary = {
        run_ms_alone: mine[0].run.median,
        row_ms_batched: Math.min(...mine.map(({ run, batch }) => run.median / batch)),
        saturation_per_s: Math.max(...rows.map(({ requests_per_s }) => requests_per_s)),
        batching_throughput: compare(largest, ({ requests_per_s }) => requests_per_s),
        batching_cpu: compare(largest, ({ cpu_ms }) => 1 / cpu_ms),
        batching_p50_low_load: compare(1, ({ p50_ms }) => p50_ms),
      }
      return [name, summary]
    }),
  )
}

export function describeRuns(runs: Run[]): string {
  const head = ['tower', 'batch', 'run ms', 'quartiles', 'ms per row', 'rows per s']
  const body = runs.map(({ bundle, precision, batch, run, rows_per_s }) => [
    ...[`${bundle} ${precision}`, String(batch), run.median.toFixed(3)],
    ...[`${run.low.toFixed(3)}–${run.high.toFixed(3)}`, (run.median / batch).toFixed(3), rows_per_s.toFixed(0)],
  ])
  return formatTable(head, body)
}

export function describePools(rows: PoolRow[]): string {
  const head = ['tower', 'batch max', 'C', 'per s', 'p50 ms', 'p99 ms', 'CPU ms', 'mean batch']
  const body = rows.map((row) => [
    ...[
      `${row.bundle} ${row.precision}`,
      String(row.batch_max),
      String(row.concurrency),
      row.requests_per_s.toFixed(0),
    ],
    ...[row.p50_ms.toFixed(2), row.p99_ms.toFixed(2), row.cpu_ms.toFixed(3), row.mean_batch.toFixed(1)],
  ])
  return formatTable(head, body)
}

export function describeHops(hops: Hop[]): string {
  const quartiles = ({ low, high }: Hop['cpu_us']) => `${low.toFixed(0)}–${high.toFixed(0)}`
  const body = hops.map(({ way, latency_us, cpu_us }) => [
    ...[way, latency_us.median.toFixed(0), quartiles(latency_us), cpu_us.median.toFixed(0), quartiles(cpu_us)],
  ])
  return formatTable(['signals', 'µs', 'quartiles', 'CPU µs', 'quartiles'], body)
}
