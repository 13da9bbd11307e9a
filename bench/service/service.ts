/**
 * The service end to end: its own process, Redis on loopback with the demo features, the load generator pinned to one
 * core of those that everything shares. Per size and format: a closed loop with one connection (latency and stages), one
 * with eight (saturation), and an open loop at 80 % of that.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterUs } from '../../test/lib/after_us.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { checkFormats } from './check.ts'
import { enlargeBundle } from './enlarge.ts'
import { measure, PINNED } from './measure.ts'
import { type Stack, startStack } from './stack.ts'
import type { Summary } from './summary.ts'
import { FORMATS, type Format, readCatalogue } from './workload.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const SIZES = [1_000, 10_000, 100_000]
const CONNECTIONS = 8
const SHARE_OF_SATURATION = 0.8
/** Beside resolve: the two run at the same time, so only the longer one counts. */
const SIDE_BY_SIDE = ['resolve', 'features']

export type ServiceRow = {
  format: Format
  candidates: number
  one: Summary
  saturated: Summary
  open: Summary
  /** Stage times of `one` on the way from first to last, and what remains of its p50: sockets, HTTP, the client. */
  stages_sum_ms: number
  outside_ms: number
}

export type ServiceReport = {
  machine: Machine
  load_generator_pinned: boolean
  items: number
  rows: ServiceRow[]
}

export type ServiceOptions = { quick: boolean; json: boolean; bundle?: string }

export async function run({ quick, json, bundle: source = DEMO }: ServiceOptions): Promise<ServiceReport> {
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  const bundle = join(folder, 'bundle')
  const items = quick ? 200_000 : 1_000_000
  let stack: Stack | undefined
  try {
    enlargeBundle({ bundle: source, into: bundle, items })
    stack = await startStack({ bundle })
    const catalogue = await readCatalogue(bundle)
    for (const candidates of SIZES) await checkFormats({ url: stack.url, catalogue, candidates })
    say(`demo bundle, ${catalogue.keys.length} items, Redis; JSON and CBOR agree at ${SIZES.join(', ')} candidates`)
    const rows: ServiceRow[] = []
    for (const candidates of SIZES) {
      for (const format of Object.keys(FORMATS) as Format[]) {
        rows.push(await measureRow({ url: stack.url, bundle, format, candidates, seconds: quick ? 2 : 10 }))
        say(describeRow(rows[rows.length - 1]))
      }
    }
    const report = {
      machine: describeMachine(),
      load_generator_pinned: PINNED,
      items: catalogue.keys.length,
      rows,
    }
    say(describeReport(report))
    return report
  } finally {
    await stack?.stop()
    removeFolder()
  }
}

type Setting = { url: string; bundle: string; format: Format; candidates: number; seconds: number }

async function measureRow(setting: Setting): Promise<ServiceRow> {
  const { format, candidates } = setting
  const one = await measure({ ...setting, connections: 1, requests: 100 })
  const saturated = await measure({ ...setting, connections: CONNECTIONS })
  const open = await measure({ ...setting, rate: SHARE_OF_SATURATION * saturated.requests_per_s })
  const stages_sum_ms = sumStages(one.stages_ms)
  return { format, candidates, one, saturated, open, stages_sum_ms, outside_ms: one.p50_ms - stages_sum_ms }
}

function sumStages(stages_ms: Record<string, number>): number {
  const parallel = SIDE_BY_SIDE.map((name) => stages_ms[name] ?? 0)
  const others = Object.entries(stages_ms).filter(([name]) => !SIDE_BY_SIDE.includes(name))
  return Math.max(...parallel) + others.reduce((sum, [, ms]) => sum + ms, 0)
}

function describeRow({ format, candidates, one, saturated, open }: ServiceRow): string {
  const name = `${candidates} candidates, ${format}`.padEnd(23)
  const single = `one connection p50 ${one.p50_ms.toFixed(2)} p99 ${one.p99_ms.toFixed(2)} ms`
  const rate = `${saturated.requests_per_s.toFixed(0)} req/s`
  const loaded = `at 80 % p50 ${open.p50_ms.toFixed(2)} p99 ${open.p99_ms.toFixed(2)} ms`
  return `${name} ${single} | ${CONNECTIONS} connections ${rate} | ${loaded}`
}

/** Markdown, so that it can stand in a document as it is. */
function describeReport({ machine, load_generator_pinned, items, rows }: ServiceReport): string {
  const names = [...new Set(rows.flatMap(({ one }) => Object.keys(one.stages_ms)))]
  const ms = (value: number) => value.toFixed(2)
  const head = ['candidates', 'format', 'p50', 'p99', ...names, 'sum', 'outside', 'req/s', 'p99 at 80 %']
  const body = rows.map((row) => [
    ...[row.candidates.toLocaleString('en-US'), row.format, ms(row.one.p50_ms), ms(row.one.p99_ms)],
    ...names.map((name) => ms(row.one.stages_ms[name] ?? 0)),
    ...[ms(row.stages_sum_ms), ms(row.outside_ms), row.saturated.requests_per_s.toFixed(0), ms(row.open.p99_ms)],
  ])
  const pinned = load_generator_pinned ? 'pinned to one of them' : 'not pinned'
  return `
${formatTable(head, body)}

Times in ms; ${items.toLocaleString('en-US')} items. ${machine.cpu}, ${machine.cores} cores, load generator ${pinned}, Node ${machine.node}.
sum: decode + the longer of resolve and features + tower + kernel + encode (medians); outside: p50 − sum, which is
sockets, HTTP and the client. req/s: closed loop, 8 connections; p99 at 80 %: open loop at 80 % of that rate.`
}
