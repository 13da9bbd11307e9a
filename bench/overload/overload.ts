/**
 * Goodput beyond saturation. Closed loops find the rate that the service can sustain; open loops then offer half of it,
 * all of it, twice and three times as much, in turn and for several rounds: the clock of a shared machine changes within
 * seconds, and rows of different times could not be compared. An answer is good when it came within the deadline of its
 * request. The service is its own process, pinned to one core where that can be done, with the niceness that the container
 * image sets; the generator and Redis have the others.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { PINNED, runGenerator, type Traffic } from '../service/measure.ts'
import { startStack } from '../service/stack.ts'
import { percentile } from '../service/summary.ts'
import type { Outcome } from './load.ts'

const BUNDLE = join(import.meta.dirname, '..', '..', 'models', 'demo')
const MULTIPLES = [0.5, 1, 2, 3]
/** With few of them the service waits for the generator, with many most answers come too late. */
const CONNECTIONS = [4, 8, 16]
/** Without a deadline of their own requests have the service's default. */
const DEADLINE_MS = 100
const SETTINGS = { DEADLINE_MS: `${DEADLINE_MS}`, COMPUTE_NICE: '10' }
const CASES = [
  { format: 'json', candidates: 1000 },
  { format: 'cbor', candidates: 10_000 },
] as const

/** All rounds of one rate. */
type Row = {
  format: string
  candidates: number
  multiple: number
  /** Requests per second. */
  rate: number
  /** Answers within the deadline. */
  goodput_per_s: number
  accepted_p50_ms: number
  accepted_p99_ms: number
  /** 504 or an answer after the deadline. */
  late: number
  refused: number
  refused_p50_ms: number
  refused_p90_ms: number
  refused_p99_ms: number
  failed: number
  /** What happened to the first of them. */
  failure: string | null
}
export type OverloadReport = { machine: Machine; load_generator_pinned: boolean; rounds: number; rows: Row[] }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<OverloadReport> {
  const [rounds, seconds] = quick ? [4, 2] : [8, 4]
  const stack = await startStack({ bundle: BUNDLE, settings: SETTINGS })
  if (PINNED) spawnSync('taskset', ['-acp', '0', `${stack.pid}`])
  const rows: Row[] = []
  try {
    for (const one of CASES) {
      const traffic = { ...one, url: stack.url, bundle: BUNDLE, seconds }
      const saturation_per_s = await bestOf(CONNECTIONS, (connections) => measure({ ...traffic, connections }))
      const series = MULTIPLES.map((multiple) => ({
        multiple,
        rate: multiple * saturation_per_s,
        outcomes: [] as Outcome[],
      }))
      for (let round = 0; round < rounds; round++) {
        for (const { rate, outcomes } of series) outcomes.push(await measure({ ...traffic, rate }))
        if (!json) console.error(`${one.format}: round ${round + 1} of ${rounds}`)
      }
      for (const { outcomes, ...offered } of series) rows.push({ ...one, ...offered, ...together(outcomes) })
    }
  } finally {
    await stack.stop()
  }
  const report = { machine: describeMachine(), load_generator_pinned: PINNED, rounds, rows }
  if (!json) console.log([formatTable(HEAD, rows.map(describeRow)), ...failuresOf(rows)].join('\n'))
  return report
}

async function bestOf(connections: number[], measured: (connections: number) => Promise<Outcome>): Promise<number> {
  let best_per_s = 0
  for (const count of connections) best_per_s = Math.max(best_per_s, together([await measured(count)]).goodput_per_s)
  return best_per_s
}

const measure = (load: Traffic) => runGenerator<Outcome>(join(import.meta.dirname, 'load.ts'), load)

function together(outcomes: Outcome[]): Omit<Row, 'format' | 'candidates' | 'multiple' | 'rate'> {
  const sorted = (times: number[][]) => times.flat().sort((a, b) => a - b)
  const accepted = sorted(outcomes.map(({ accepted_ms }) => accepted_ms))
  const refused = sorted(outcomes.map(({ refused_ms }) => refused_ms))
  const good = accepted.filter((ms) => ms <= DEADLINE_MS).length
  const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0)
  const failures = outcomes.flatMap((outcome) => outcome.failures)
  return {
    goodput_per_s: (good * 1000) / sum(({ elapsed_ms }) => elapsed_ms),
    accepted_p50_ms: percentile(accepted, 50),
    accepted_p99_ms: percentile(accepted, 99),
    late: accepted.length - good + sum(({ expired }) => expired),
    refused: refused.length,
    refused_p50_ms: percentile(refused, 50),
    refused_p90_ms: percentile(refused, 90),
    refused_p99_ms: percentile(refused, 99),
    failed: failures.length,
    failure: failures[0] ?? null,
  }
}

const failuresOf = (rows: Row[]) =>
  rows.flatMap(({ failure, multiple, format }) => (failure ? [`${format}, ${multiple} ×: ${failure}`] : []))

const HEAD = [
  ...['candidates', 'format', 'deadline ms', 'offered', 'req/s', 'goodput/s', 'p50', 'p99', 'late'],
  ...['refused', 'refused p50', 'refused p90', 'refused p99', 'failed'],
]

function describeRow(row: Row): string[] {
  const ms = (value: number | null) => (value === null || Number.isNaN(value) ? '' : value.toFixed(1))
  return [
    ...[row.candidates.toLocaleString('en-US'), row.format, `${DEADLINE_MS}`, `${row.multiple} ×`],
    ...[row.rate.toFixed(0), row.goodput_per_s.toFixed(0), ms(row.accepted_p50_ms), ms(row.accepted_p99_ms)],
    ...[`${row.late}`, `${row.refused}`, ms(row.refused_p50_ms), ms(row.refused_p90_ms), ms(row.refused_p99_ms)],
    `${row.failed}`,
  ]
}
