/** Rows as lines and as Markdown tables that can stand in a document as they are. */
import { formatTable } from '../lib/table.ts'
import type { ServiceRow } from './row.ts'
import { nameOf, type ServiceReport } from './service.ts'

export function describeRow({ format, candidates, closed, open }: ServiceRow): string {
  const name = `${candidates} candidates, ${format}`.padEnd(23)
  const loops = closed.map(({ connections, summary }) => {
    return `${connections}: ${summary.requests_per_s.toFixed(0)} req/s, p50 ${ms(summary.p50_ms)}, p99 ${ms(summary.p99_ms)}`
  })
  const loaded = open.map(({ share, summary }) => `at ${percent(share)} p99 ${ms(summary.p99_ms)}`)
  return `${name} ${[...loops, ...loaded].join(' | ')}`
}

export function describeReport({
  machine,
  load_generator_pinned,
  items,
  queries,
  rows,
  left_out,
}: ServiceReport): string {
  const variants = Map.groupBy(rows, ({ variant }) => nameOf(variant))
  const tables = [...variants].flatMap(([name, own]) => [`**${name}**`, stageTable(own), loadTable(own)])
  const pinned = load_generator_pinned ? 'pinned to one of them' : 'not pinned'
  return `
${tables.join('\n\n')}

Times in ms. ${items.toLocaleString('en-US')} items or a few more; queries by Zipf’s law over ${queries.toLocaleString('en-US')}.
${machine.cpu}, ${machine.cores} cores, load generator ${pinned}, Node ${machine.node}.
First table: one connection, medians. sum: decode + the longer of resolve and features + tower + kernel + encode;
outside: p50 − sum, which is sockets, HTTP and the client. Second table: req/s and p99 of closed loops by connections,
p50 / p99 of open loops (Poisson arrivals) at shares of the best of them. CPU, memory, delay of the event loop (p99),
hit share of the blob cache and shed requests are those of the last closed loop.${left_out.map((line) => `\nLeft out: ${line}.`).join('')}`
}

function stageTable(rows: ServiceRow[]): string {
  const names = [...new Set(rows.flatMap(({ closed }) => Object.keys(closed[0].summary.stages_ms)))]
  const head = ['candidates', 'format', 'p50', 'p99', ...names, 'sum', 'outside']
  const body = rows.map((row) => {
    const { summary } = row.closed[0]
    return [
      ...[row.candidates.toLocaleString('en-US'), row.format, ms(summary.p50_ms), ms(summary.p99_ms)],
      ...names.map((name) => ms(summary.stages_ms[name] ?? 0)),
      ...[ms(row.stages_sum_ms), ms(row.outside_ms)],
    ]
  })
  return formatTable(head, body)
}

function loadTable(rows: ServiceRow[]): string {
  const { closed, open } = rows[0]
  const head = [
    ...['candidates', 'format', ...closed.map(({ connections }) => `req/s, p99 × ${connections}`)],
    ...open.map(({ share }) => `at ${percent(share)}`),
    ...['CPU s / M', 'RSS MiB', 'not mapped', 'loop delay', 'cache hits', 'shed'],
  ]
  const body = rows.map((row) => {
    const { cost, summary } = row.closed[row.closed.length - 1]
    return [
      ...[row.candidates.toLocaleString('en-US'), row.format],
      ...row.closed.map((one) => `${one.summary.requests_per_s.toFixed(0)}, ${ms(one.summary.p99_ms)}`),
      ...row.open.map((one) => `${ms(one.summary.p50_ms)} / ${ms(one.summary.p99_ms)}`),
      ...[cost.cpu_s_per_million.toFixed(2), mib(cost.rss_bytes), mib(cost.rss_anonymous_bytes)],
      ...[ms(cost.event_loop_delay_p99_ms), cost.cache_hit_share === null ? '–' : percent(cost.cache_hit_share)],
      percent(summary.shed / summary.requests),
    ]
  })
  return formatTable(head, body)
}

const ms = (value: number) => value.toFixed(2)
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
const percent = (share: number) => `${Math.round(100 * share)} %`
