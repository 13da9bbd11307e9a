/**
 * From what was measured (bench/results/scale.json) to a size that was not: the tables of docs/scaling.md.
 *
 *     node bench/scale/extrapolate.ts            prints them
 *     node bench/scale/extrapolate.ts --write    puts them into docs/scaling.md
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatTable } from '../lib/table.ts'
import { type Constants, constantsOf } from './constants.ts'
import { describeScale } from './report.ts'
import type { ScaleReport } from './scale.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const DOCUMENT = join(ROOT, 'docs', 'scaling.md')
const REPORT = join(ROOT, 'bench', 'results', 'scale.json')

/** As `bench -- plot` writes them. */
const PICTURES = [
  '![CPU time of one request against candidates](../bench/results/scale-candidates.svg)',
  '![Kernel against items](../bench/results/scale-items.svg)',
  '![Kernel against cross features](../bench/results/scale-features.svg)',
]

/** What is assumed, not measured. */
export const ASSUMED = {
  items: 1e9,
  requests_per_s: 100_000,
  users: 200e6,
  queries: 50e6,
  /** Blobs of one query: everyone, and the segments that have enough engagements. */
  blobs_per_query: 4,
  cores_per_machine: 32,
  /** Of the cores' time; the rest is for bursts and for a machine that is down. */
  utilisation: 0.5,
  redis_node_bytes: 64e9,
  redis_node_bytes_per_s: 1e9,
  redis_replicas: 1,
}

export type Extrapolated = {
  candidates: number
  table_bytes: number
  cpu_cores: number
  machines: number
  network_in_bits_per_s: number
  network_out_bits_per_s: number
  redis_bits_per_s: number
}

export type StoreForecast = { bytes: number; nodes_by_size: number; nodes_by_bandwidth: number; nodes: number }

export function extrapolate(constants: Constants, candidates: number): Extrapolated {
  const { items, requests_per_s, cores_per_machine, utilisation } = ASSUMED
  const { cpu_s_fixed, cpu_s_per_candidate, cpu_growth_with_items } = constants
  const cpu_s = cpu_s_fixed + cpu_s_per_candidate * cpu_growth_with_items * candidates
  const cpu_cores = (requests_per_s * cpu_s) / utilisation
  return {
    candidates,
    table_bytes: items * constants.table_bytes_per_item.int8,
    cpu_cores,
    machines: Math.ceil(cpu_cores / cores_per_machine),
    network_in_bits_per_s:
      8 * requests_per_s * (constants.request_bytes_fixed + constants.request_bytes_per_candidate * candidates),
    network_out_bits_per_s: 8 * requests_per_s * constants.response_bytes,
    redis_bits_per_s: 8 * requests_per_s * constants.redis_bytes_per_request,
  }
}

export function forecastStore({ redis_bytes_per_key, redis_bytes_per_request }: Constants): StoreForecast {
  const { users, queries, blobs_per_query, redis_node_bytes, redis_node_bytes_per_s, redis_replicas } = ASSUMED
  const bytes = (users + queries * blobs_per_query) * redis_bytes_per_key
  const nodes_by_size = Math.ceil(bytes / redis_node_bytes)
  const nodes_by_bandwidth = Math.ceil((ASSUMED.requests_per_s * redis_bytes_per_request) / redis_node_bytes_per_s)
  const nodes = Math.max(nodes_by_size, nodes_by_bandwidth) * (1 + redis_replicas)
  return { bytes, nodes_by_size, nodes_by_bandwidth, nodes }
}

/** Markdown by the name of the section that it fills. */
export function sections(report: ScaleReport): Record<string, string> {
  const constants = constantsOf(report)
  return {
    constants: constantsTable(constants),
    forecast: forecastTable(constants),
    store: storeTable(constants),
    growth: [...PICTURES, describeScale(report)].join('\n\n'),
  }
}

function constantsTable(constants: Constants): string {
  const rows: [string, string, string][] = [
    ['a', 'CPU time of a request, fixed', `${(1000 * constants.cpu_s_fixed).toFixed(2)} ms`],
    ['b', 'CPU time per candidate', `${(1e9 * constants.cpu_s_per_candidate).toFixed(0)} ns`],
    [
      'g',
      `growth of b towards ${count(constants.items_max)} items (kernel)`,
      `× ${constants.cpu_growth_with_items.toFixed(2)}`,
    ],
    ...Object.entries(constants.table_bytes_per_item).map(([dtype, bytes]): [string, string, string] => [
      't',
      `item table per item, ${dtype}`,
      `${bytes.toFixed(0)} bytes`,
    ]),
    ['p', 'memory of a process that it shares with none', `${(constants.process_bytes / 2 ** 20).toFixed(0)} MiB`],
    [
      'q',
      'request per candidate, CBOR with one caller column',
      `${constants.request_bytes_per_candidate.toFixed(1)} bytes`,
    ],
    ['q₀', 'request, the rest', `${constants.request_bytes_fixed.toFixed(0)} bytes`],
    ['r', 'answer of 1,000 ids and scores, CBOR', `${(constants.response_bytes / 1024).toFixed(1)} KiB`],
    ['s', 'Redis memory per key', `${constants.redis_bytes_per_key.toFixed(0)} bytes`],
    ['d', 'Redis to service per request', `${(constants.redis_bytes_per_request / 1024).toFixed(1)} KiB`],
  ]
  return formatTable(['', 'constant', 'measured'], rows)
}

function forecastTable(constants: Constants): string {
  const body = [1_000, 10_000, 100_000].map((candidates) => {
    const one = extrapolate(constants, candidates)
    return [
      ...[count(candidates), count(Math.round(one.cpu_cores)), count(one.machines), gigabytes(one.table_bytes)],
      ...[one.network_in_bits_per_s, one.network_out_bits_per_s, one.redis_bits_per_s].map(gigabits),
    ]
  })
  return formatTable(['N', 'cores', 'machines', 'table GB on each', 'in Gbit/s', 'out Gbit/s', 'Redis Gbit/s'], body)
}

function storeTable(constants: Constants): string {
  const { bytes, nodes_by_size, nodes_by_bandwidth, nodes } = forecastStore(constants)
  return formatTable(
    ['Redis GB', 'nodes for the size', 'nodes for the bandwidth', 'nodes with replicas'],
    [[gigabytes(bytes), count(nodes_by_size), count(nodes_by_bandwidth), count(nodes)]],
  )
}

/** What stands between `<!-- name -->` and `<!-- /name -->` becomes the section. */
export function fill(document: string, filled: Record<string, string>): string {
  return Object.entries(filled).reduce((text, [name, table]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
    const [from, to] = [text.indexOf(start), text.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`docs/scaling.md: found no ${start} … ${end}`)
    return `${text.slice(0, from + start.length)}\n\n${table}\n\n${text.slice(to)}`
  }, document)
}

const count = (value: number) => value.toLocaleString('en-US')
const gigabytes = (bytes: number) => count(Math.round(bytes / 1e9))
const gigabits = (bits: number) => (bits / 1e9).toFixed(1)

if (import.meta.main) {
  const filled = sections(JSON.parse(readFileSync(REPORT, 'utf8')))
  if (process.argv.includes('--write')) writeFileSync(DOCUMENT, fill(readFileSync(DOCUMENT, 'utf8'), filled))
  else console.log(Object.values(filled).join('\n\n'))
}
