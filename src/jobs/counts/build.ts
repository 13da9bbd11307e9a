/**
 * `prerank counts build`: engagement log → count blobs of every (query, segment) and token as of a time, as one snapshot.
 * DuckDB reads, joins, aggregates and sorts (spilling beside the output); what comes back is already in the order of the
 * snapshot's keys, so one blob at a time is in memory, whatever the size of the log. The definitions are those of the
 * training code: windows end before the as-of time, and totals count items that the blob does not list.
 */
import type { Manifest } from '../../bundle/manifest.ts'
import { isPlainSegment, valueSegment } from '../../features/context.ts'
import { countKeys } from '../../features/counts.ts'
import { type SnapshotRecord, writeSnapshot } from '../../store/snapshot.ts'
import { DuckSession } from '../duck/session.ts'
import { quote, sqlFile } from '../duck/sql_file.ts'
import { type EventsOptions, openEvents } from '../events/events.ts'
import type { RowReport } from '../events/report.ts'
import { CONTEXT } from '../events/source_view.ts'
import { type Job, JobError, type Resources } from '../run/job.ts'
import { openWorkspace } from '../run/workspace.ts'
import { type Bucket, countBuckets } from './buckets.ts'
import { createGroup, type GroupLimits } from './group.ts'
import { openNames } from './names.ts'
import { packBlobs } from './pack.ts'
import { createQueryTables } from './texts.ts'

export type CountsOptions = Omit<EventsOptions, 'session' | 'whole_days'> & {
  output: string
  limits: GroupLimits
  resources: Resources
  job: Job
}

export type CountsResult = {
  output: string
  as_of_ms: number
  log: RowReport
  queries: number
  /** Blobs written, by segment. */
  blobs: Record<string, number>
}

export async function buildCounts(options: CountsOptions): Promise<CountsResult> {
  assertCountable(options.manifest)
  const workspace = await openWorkspace(options.output)
  try {
    const session = await DuckSession.open({ ...options, directory: workspace.directory })
    try {
      const result = await countInto(workspace.path('counts.snapshot'), { ...options, session })
      await workspace.publish('counts.snapshot', options.output)
      return result
    } finally {
      session.close()
    }
  } finally {
    await workspace.close()
  }
}

type Run = CountsOptions & { session: DuckSession }

async function countInto(path: string, options: Run): Promise<CountsResult> {
  const { session, job, manifest } = options
  const { as_of_ms, report } = await openEvents({ ...options, whole_days: true })
  const buckets = countBuckets(manifest.counts.columns, as_of_ms)
  await createBuckets(session, buckets)
  const queries = await createQueryTables(session, job)
  const catalogue = options.items === undefined ? 0 : 1
  await session.task('selecting engagements', sqlFile('counts_events', { catalogue }))
  await session.task('counting', sqlFile('counts_queries'))
  const blobs: Record<string, number> = {}
  await writeSnapshot(path, allSegments({ ...options, as_of_ms, buckets, blobs }))
  return { output: options.output, as_of_ms, log: report, queries, blobs }
}

async function createBuckets(session: DuckSession, buckets: Bucket[]): Promise<void> {
  const rows = buckets.map((bucket, at) => `(${at}, ${quote(bucket.action)}, ${bucket.from_ms}, ${bucket.until_ms})`)
  await session.run(`CREATE OR REPLACE TABLE buckets (bucket INTEGER, action VARCHAR, from_ms BIGINT, until_ms BIGINT);
    INSERT INTO buckets VALUES ${rows.join(', ')}`)
}

type Packing = Run & { as_of_ms: number; buckets: Bucket[]; blobs: Record<string, number> }

/** Segments in the order of their store keys. */
async function* allSegments(options: Packing): AsyncGenerator<SnapshotRecord> {
  const { manifest } = options
  for (const segment of manifest.counts.segments.toSorted(bySegmentKey)) yield* oneSegment(segment, options)
}

async function* oneSegment(segment: string, options: Packing): AsyncGenerator<SnapshotRecord> {
  const { session, job, manifest, buckets } = options
  await createEntries(session, segment)
  const names = openNames(session, segment === 'token' ? TOKEN_NAMES : QUERY_NAMES)
  const values = isPlainSegment(segment) ? [] : await session.rows('SELECT value FROM segment_values ORDER BY value_id')
  const step = job.progress.step(`packing ${segment}`, { unit: 'blobs' })
  const columns = manifest.counts.columns.map((column) => column.name)
  const group = createGroup(
    buckets.map((bucket) => bucket.columns),
    columns.length,
    options.limits,
  )
  const chunks = session.chunks(sqlFile('entries_ordered'))
  async function keyOf(value_id: number, group_id: number): Promise<string> {
    const full_segment = isPlainSegment(segment) ? segment : valueSegment(segment, `${values[value_id - 1].value}`)
    return countKeys.of(full_segment, await names.of(group_id))
  }
  let packed = 0
  try {
    for await (const record of packBlobs({ chunks, group, columns, as_of_ms: options.as_of_ms, keyOf })) {
      yield record
      step.advance(++packed)
    }
  } finally {
    await names.close()
  }
  options.blobs[segment] = packed
  step.finish(`${packed.toLocaleString('en-US')} blobs`)
}

async function createEntries(session: DuckSession, segment: string): Promise<void> {
  if (segment === 'all') await session.runFile('entries_all')
  else if (segment === 'token') await session.runFile('entries_token')
  else await session.runFile('entries_context', { column: segment })
}

const QUERY_NAMES = 'SELECT query_id, query_key FROM query_ids ORDER BY query_id'
const TOKEN_NAMES = 'SELECT token_id, token FROM token_ids ORDER BY token_id'

/** `country=DE:` against `all:`: the character after the name decides where one name begins with the other. */
function bySegmentKey(a: string, b: string): number {
  const [left, right] = [a, b].map((segment) =>
    countKeys.of(isPlainSegment(segment) ? segment : valueSegment(segment, ''), ''),
  )
  return left < right ? -1 : left > right ? 1 : 0
}

function assertCountable({ counts }: Manifest): void {
  if (counts.columns.length === 0) throw new JobError('the manifest has no count columns: there is nothing to build')
  const unknown = counts.segments.filter((segment) => !isPlainSegment(segment) && !CONTEXT.includes(segment))
  if (unknown.length === 0) return
  throw new JobError(`segments ${unknown.join(', ')}: the log schema has all, token and ${CONTEXT.join(', ')}`)
}
