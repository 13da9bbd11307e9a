/**
 * The offline jobs on data of production size: counts and sequences of a generated log (50 M events), item tables of
 * ready vectors (5 M) and through the demo item tower. Each runs as its own process, as a user would start it; time and
 * peak resident memory are printed beside the limit that they have to keep.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readManifest } from '../../src/bundle/read_manifest.ts'
import { formatBytes, formatCount, formatDuration } from '../../src/jobs/run/format.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { writeCatalogue, writeNpy } from './catalogue.ts'
import { checkCounts, countsArguments } from './check.ts'
import { type Measured, measureCli } from './child.ts'
import { generateLog } from './log.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const GIB = 2 ** 30

type Sizes = { events: number; ready_items: number; tower_items: number }
const FULL: Sizes = { events: 50_000_000, ready_items: 5_000_000, tower_items: 100_000 }
const QUICK: Sizes = { events: 1_000_000, ready_items: 100_000, tower_items: 5000 }

export type JobRow = {
  job: string
  input: string
  rows: number
  seconds: number
  rows_per_s: number
  peak_rss_bytes: number
  limit_bytes: number
  output_bytes: number
}
export type JobsReport = { machine: Machine; rows: JobRow[] }

export async function run({
  quick,
  json,
  bundle = DEMO,
}: {
  quick: boolean
  json: boolean
  bundle?: string
}): Promise<JobsReport> {
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-jobs-'))
  const sizes = quick ? QUICK : FULL
  try {
    say(`counts of a small log equal plain SQL: ${await checkCounts(bundle)} totals compared`)
    const rows: JobRow[] = []
    const add = (row: JobRow) => {
      rows.push(row)
      say(describeRow(row))
    }
    await measureLogJobs({ folder, bundle, sizes, say, add })
    await measureItemJobs({ folder, bundle, sizes, say, add })
    say(`\n${describeReport(rows)}`)
    const over = rows.find((row) => row.peak_rss_bytes > row.limit_bytes)
    if (over)
      throw new Error(
        `${over.job}: ${formatBytes(over.peak_rss_bytes)} is over its limit of ${formatBytes(over.limit_bytes)}`,
      )
    return { machine: describeMachine(), rows }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Setting = { folder: string; bundle: string; sizes: Sizes; say: (line: string) => void; add: (row: JobRow) => void }

async function measureLogJobs({ folder, bundle, sizes, say, add }: Setting): Promise<void> {
  const started = performance.now()
  await generateLog(folder, { events: sizes.events, queries: 1_000_000, items: 2_000_000, users: 1_000_000 })
  const files = readdirSync(folder).filter((name) => name.startsWith('events-'))
  const log_bytes = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  const input = `${formatCount(sizes.events)} events, ${formatBytes(log_bytes)} Parquet`
  say(`log: ${input}, generated in ${formatDuration(performance.now() - started)}`)
  for (const job of ['counts', 'sequences']) {
    const output = join(folder, `${job}.snapshot`)
    const args = countsArguments({ bundle, folder, output }).with(0, job)
    add(rowOf({ job: `${job} build`, input, rows: sizes.events, limit_bytes: 4 * GIB, output }, await measureCli(args)))
    rmSync(output)
  }
  for (const name of files) rmSync(join(folder, name))
}

async function measureItemJobs({ folder, bundle, sizes, say, add }: Setting): Promise<void> {
  const { dims, items } = await readManifest(bundle)
  const at = (name: string) => join(folder, name)
  await writeCatalogue(at('ready.parquet'), sizes.ready_items)
  await writeCatalogue(at('tower.parquet'), sizes.tower_items)
  writeNpy(at('vectors.npy'), { rows: sizes.ready_items, dims })
  const content = items.content?.from === 'output' ? items.content.dims : 0
  if (content > 0) writeNpy(at('content.npy'), { rows: sizes.ready_items, dims: content })
  say(`catalogues of ${formatCount(sizes.ready_items)} and ${formatCount(sizes.tower_items)} items written`)
  const ready = ['--vectors', at('vectors.npy'), ...(content > 0 ? ['--content', at('content.npy')] : [])]
  const builds = [
    { input: 'ready vectors', rows: sizes.ready_items, args: ['--items', at('ready.parquet'), ...ready] },
    { input: 'item tower', rows: sizes.tower_items, args: ['--items', at('tower.parquet')] },
  ]
  for (const { input, rows, args } of builds) {
    const output = at('items.table')
    const measured = await measureCli([
      'items',
      'build',
      '--bundle',
      bundle,
      '--output',
      output,
      '--memory',
      '1GiB',
      ...args,
    ])
    add(rowOf({ job: 'items build', input, rows, limit_bytes: 2 * GIB, output }, measured))
    rmSync(output)
  }
}

type Described = Pick<JobRow, 'job' | 'input' | 'rows' | 'limit_bytes'> & { output: string }

function rowOf({ output, ...row }: Described, { seconds, peak_rss_bytes }: Measured): JobRow {
  return { ...row, seconds, rows_per_s: row.rows / seconds, peak_rss_bytes, output_bytes: statSync(output).size }
}

function describeRow({ job, input, rows, seconds, rows_per_s, peak_rss_bytes }: JobRow): string {
  const speed = `${formatDuration(seconds * 1000)}, ${formatCount(Math.round(rows_per_s))} rows/s`
  return `${job} (${input}, ${formatCount(rows)} rows): ${speed}, peak ${formatBytes(peak_rss_bytes)}`
}

function describeReport(rows: JobRow[]): string {
  const head = ['job', 'input', 'rows', 'seconds', 'rows/s', 'peak memory', 'limit', 'output']
  const body = rows.map((row) => [
    ...[row.job, row.input, formatCount(row.rows), row.seconds.toFixed(1), formatCount(Math.round(row.rows_per_s))],
    ...[row.peak_rss_bytes, row.limit_bytes, row.output_bytes].map(formatBytes),
  ])
  return formatTable(head, body)
}
