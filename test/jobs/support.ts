/** What tests of jobs share: a folder of their own, tables written by DuckDB, a manifest to count with, jobs without a terminal. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Manifest } from '../../src/bundle/manifest.ts'
import type { Job, Resources } from '../../src/jobs/run/job.ts'
import { silentProgress } from '../../src/jobs/run/progress.ts'
import { readSnapshot } from '../../src/store/snapshot.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

export const RESOURCES: Resources = { memory_bytes: 512 * 2 ** 20, threads: 2 }

export function quietJob(signal: AbortSignal = new AbortController().signal): Job {
  return { signal, progress: silentProgress() }
}

export async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prerank-jobs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs SQL, for example `COPY (…) TO '…'`. */
export async function duck(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  await connection.run(sql)
  connection.disconnectSync()
  instance.closeSync()
}

export const COUNT_COLUMNS = [
  { name: 'click_7d', action: 'click', window_days: 7 },
  { name: 'click_30d', action: 'click', window_days: 30 },
  { name: 'click_all', action: 'click', window_days: 0 },
  { name: 'save_half', action: 'save', window_days: 0.5 },
]

export function countManifest(options: { id_kind?: 'u64' | 'string'; segments?: string[] } = {}): Manifest {
  const manifest = tinyManifest({ id_kind: options.id_kind })
  const segments = options.segments ?? ['all', 'country', 'token']
  return { ...manifest, actions: { click: 1, long_click: 2, save: 3 }, counts: { columns: COUNT_COLUMNS, segments } }
}

export async function snapshotRecords(path: string): Promise<Map<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>()
  for await (const { key, value } of readSnapshot(path)) records.set(key, value)
  return records
}
