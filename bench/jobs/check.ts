/** Before anything is timed: the counts job on a small log against the plainest SQL over the same files. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { readManifest } from '../../src/bundle/read_manifest.ts'
import { parseCountBlob } from '../../src/features/counts.ts'
import { readSnapshot } from '../../src/store/snapshot.ts'
import { measureCli } from './child.ts'
import { generateLog, LOG_END_MS } from './log.ts'

const SHAPE = { events: 20_000, queries: 500, items: 2000, users: 500 }

/** The generated queries are normalised already, so SQL may group them as they are. */
export async function checkCounts(bundle: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-check-'))
  try {
    await generateLog(folder, SHAPE)
    const output = join(folder, 'counts.snapshot')
    await measureCli(countsArguments({ bundle, folder, output }))
    const { counts } = await readManifest(bundle)
    const totals = await plainTotals(folder)
    const columns = counts.columns.map(({ name }) => name)
    let compared = 0
    for await (const { key, value } of readSnapshot(output)) {
      if (!key.startsWith('iqp:all:')) continue
      const blob = parseCountBlob(value, columns)
      for (const [at, { action, window_days }] of counts.columns.entries()) {
        if (window_days !== 0) continue
        const expected = totals.get(`${key.slice('iqp:all:{'.length, -1)}/${action}`) ?? 0
        if (blob.totals[at] !== expected)
          throw new Error(`${key} ${action}: found ${blob.totals[at]}, expected ${expected}`)
        compared++
      }
    }
    if (compared === 0) throw new Error('nothing was compared: the bundle has no column without a window')
    return compared
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function countsArguments({
  bundle,
  folder,
  output,
}: {
  bundle: string
  folder: string
  output: string
}): string[] {
  const log = ['--events', join(folder, 'events-*.parquet'), '--as-of', String(LOG_END_MS)]
  return ['counts', 'build', '--bundle', bundle, ...log, '--output', output, '--memory', '4GiB', '--threads', '2']
}

async function plainTotals(folder: string): Promise<Map<string, number>> {
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(
    `SELECT query, action, count(*) AS events FROM '${folder}/events-*.parquet' GROUP BY ALL`,
  )
  return new Map(reader.getRows().map(([query, action, events]) => [`${query}/${action}`, Number(events)]))
}
