/**
 * Goodput beyond saturation. Closed loops find the rate that the service can sustain; open loops then offer half of it,
 * all of it, twice and three times as much. An answer is good when it came within the deadline of its request. The service
 * is its own process, pinned to one core where that can be done; the generator and Redis have the others.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { PINNED, runGenerator } from '../service/measure.ts'
import { startStack } from '../service/stack.ts'
import type { Load, Outcome } from './load.ts'

const BUNDLE = join(import.meta.dirname, '..', '..', 'models', 'demo')
const MULTIPLES = [0.5, 1, 2, 3]
/** With few of them the service waits for the generator, with many most answers come too late. */
const CONNECTIONS = [4, 8, 16]
/** Without a deadline of their own requests have the service's default. */
const DEADLINE_MS = 100
const CASES = [
  { format: 'json', candidates: 1000 },
  { format: 'cbor', candidates: 10_000 },
] as const

type Row = Outcome & { format: string; candidates: number; multiple: number; rate: number }
export type OverloadReport = { machine: Machine; load_generator_pinned: boolean; rows: Row[] }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<OverloadReport> {
  const seconds = quick ? 3 : 10
  const stack = await startStack({ bundle: BUNDLE, settings: { DEADLINE_MS: `${DEADLINE_MS}` } })
  if (PINNED) spawnSync('taskset', ['-acp', '0', `${stack.pid}`])
  const rows: Row[] = []
  try {
    for (const one of CASES) {
      const load = { ...one, url: stack.url, bundle: BUNDLE, seconds, deadline_ms: DEADLINE_MS }
      const saturation_per_s = await bestOf(CONNECTIONS, (connections) => measure({ ...load, connections }))
      for (const multiple of MULTIPLES) {
        const rate = multiple * saturation_per_s
        rows.push({ ...one, multiple, rate, ...(await measure({ ...load, rate })) })
        if (!json) console.error(describeRow(rows.at(-1)!).join('  '))
      }
    }
  } finally {
    await stack.stop()
  }
  const report = { machine: describeMachine(), load_generator_pinned: PINNED, rows }
  if (!json) console.log([formatTable(HEAD, rows.map(describeRow)), ...failuresOf(rows)].join('\n'))
  return report
}

async function bestOf(connections: number[], measured: (connections: number) => Promise<Outcome>): Promise<number> {
  let best_per_s = 0
  for (const count of connections) best_per_s = Math.max(best_per_s, (await measured(count)).goodput_per_s)
  return best_per_s
}

const measure = (load: Load) => runGenerator<Outcome>(join(import.meta.dirname, 'load.ts'), load)

const failuresOf = (rows: Row[]) =>
  rows.flatMap(({ failure, multiple, format }) => (failure ? [`${format}, ${multiple} ×: ${failure}`] : []))

const HEAD = [
  ...['candidates', 'format', 'deadline ms', 'offered', 'req/s', 'goodput/s', 'p50', 'p99', 'late'],
  ...['refused', 'refused p50', 'refused p99', 'failed'],
]

function describeRow(row: Row): string[] {
  const ms = (value: number | null) => (value === null || Number.isNaN(value) ? '' : value.toFixed(1))
  return [
    ...[row.candidates.toLocaleString('en-US'), row.format, `${DEADLINE_MS}`, `${row.multiple} ×`],
    ...[row.rate.toFixed(0), row.goodput_per_s.toFixed(0), ms(row.accepted_p50_ms), ms(row.accepted_p99_ms)],
    ...[`${row.late}`, `${row.refused}`, ms(row.refused_p50_ms), ms(row.refused_p99_ms), `${row.failed}`],
  ]
}
