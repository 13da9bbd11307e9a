/** The report as Markdown tables. */
import { describeGrowth } from '../kernel/report.ts'
import { formatTable } from '../lib/table.ts'
import type { ScaleReport } from './scale.ts'

export function describeScale(report: ScaleReport): string {
  const { kernel_items, kernel, growth, tables, starts, sharing, requests, machine } = report
  const kernelRows = kernel.map(({ candidates, features, top_k, resolve, score }) => [
    ...[count(candidates), `${features}`, count(top_k), resolve.median.toFixed(3), score.median.toFixed(3)],
    (((resolve.median + score.median) * 1e6) / candidates).toFixed(0),
  ])
  const sharingRows = sharing.map(({ processes, memory, rss_sum_bytes, pss_sum_bytes }) => [
    ...[`${processes}`, mib(rss_sum_bytes), mib(pss_sum_bytes)],
    memory.map((one) => `${mib(one.table_rss_bytes)} / ${mib(one.table_pss_bytes)}`).join(', '),
    memory.map(({ private_bytes }) => mib(private_bytes)).join(', '),
  ])
  const { store, points } = requests
  const requestRows = points.map((point) => [
    ...[point.format, count(point.candidates), point.requests_per_s.toFixed(0), point.p50_ms.toFixed(2)],
    ...[(1000 * point.cpu_s_per_request).toFixed(2), mib(point.cost.rss_bytes)],
    ...[kib(point.request_bytes), kib(point.response_bytes), kib(point.redis_bytes_per_request)],
    percent(point.cost.cache_hit_share),
  ])
  return [
    `Kernel, ${count(kernel_items)} items, float32, one thread, processor time in ms`,
    formatTable(['N', 'F', 'K', 'resolve', 'score', 'ns / candidate'], kernelRows),
    'Kernel, MLP, 5 cross features, best 1000 of N',
    describeGrowth(growth),
    formatTable(
      ['dtype', 'bytes per item'],
      tables.map(({ dtype, bytes_per_item }) => [dtype, bytes_per_item.toFixed(1)]),
    ),
    formatTable(
      ['items', 'table MiB', 'start ms', 'swap ms'],
      starts.map((one) => [count(one.items), mib(one.table_bytes), one.start_ms.toFixed(0), one.swap_ms.toFixed(0)]),
    ),
    formatTable(['processes', 'RSS MiB', 'PSS MiB', 'table RSS / PSS of each', 'private of each'], sharingRows),
    `Requests over HTTP, closed loop of 4; Redis: ${count(store.keys)} keys, ${mib(store.used_memory_bytes)} MiB`,
    formatTable(
      ['format', 'N', 'req/s', 'p50 ms', 'CPU ms', 'RSS MiB', 'request KiB', 'answer KiB', 'Redis KiB', 'cache hits'],
      requestRows,
    ),
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}.`,
  ].join('\n\n')
}

const count = (value: number) => value.toLocaleString('en-US')
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
const kib = (bytes: number) => (bytes / 1024).toFixed(1)
const percent = (share: number | null) => (share === null ? '–' : `${Math.round(100 * share)} %`)
