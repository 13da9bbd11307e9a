/** An engagement log, checked: the view `events_checked` of a session, and the report of what is wrong with it. */
import type { Manifest } from '../../bundle/manifest.ts'
import { DAY_MS } from '../../day.ts'
import { xxh64 } from '../../features/hash.ts'
import type { DuckSession } from '../duck/session.ts'
import { openSource, type Source } from '../duck/source.ts'
import { quote, sqlFile } from '../duck/sql_file.ts'
import { JobError } from '../run/job.ts'
import { EARLIEST_MS, LATEST_MS } from './bounds.ts'
import { assertShare, type Rejection, type RowReport, SAMPLES_MAX } from './report.ts'
import { assertColumns, EVENT_COLUMNS, eventsSourceSql, textSql } from './source_view.ts'

const QUERY_CHARS_MAX = 4096
const ID_CHARS_MAX = 1024
/** Actions of the log schema; those that a bundle does not count or keep are read and left out. */
const LOG_ACTIONS = ['impression', 'click', 'long_click', 'save', 'short_click']

export type EventsOptions = {
  session: DuckSession
  /** Path or glob of the log. */
  events: string
  /** Path or glob of the catalogue: events of items it does not hold are left out, as in training. */
  items?: string
  /** Its column of ids; `item` by default. */
  item_column?: string
  manifest: Manifest
  as_of_ms?: number
  /** Without an as-of time: whole UTC days, rather than up to the newest event. */
  whole_days?: boolean
  bad_share_max: number
}

export type Events = { as_of_ms: number; report: RowReport }

export async function openEvents(options: EventsOptions): Promise<Events> {
  const { session, manifest } = options
  const id_kind = manifest.items.id_kind
  const wanted = new Set(EVENT_COLUMNS)
  const source = await openSource({
    session,
    pattern: options.events,
    converted: 'events',
    columns: (name) => wanted.has(name),
  })
  assertColumns(source)
  if (id_kind === 'string') await createItemKeys(session, source)
  await createCatalogue(options)
  await session.run(eventsSourceSql(source, id_kind))
  await createKnownActions(session, manifest)
  await session.runFile('events_checked', {
    earliest_ms: EARLIEST_MS,
    latest_ms: LATEST_MS,
    future_ms: Math.max(options.as_of_ms ?? 0, Date.now()) + DAY_MS,
    keys_are_ids: id_kind === 'u64' ? 1 : 0,
    id_chars_max: ID_CHARS_MAX,
    query_chars_max: QUERY_CHARS_MAX,
  })
  const { report, span } = await readReport(session, source)
  assertShare(report, { input: options.events, share_max: options.bad_share_max })
  if (!span) throw new JobError(`${options.events}: no usable row, expected at least one`)
  if (options.as_of_ms !== undefined) {
    assertReached(span, options.as_of_ms, options.events)
    return { as_of_ms: options.as_of_ms, report }
  }
  return { as_of_ms: options.whole_days ? wholeDays(span) : span.newest_ms + 1, report }
}

type Span = { oldest_ms: number; newest_ms: number }

/** An output without a single event would replace a good one. */
function assertReached(span: Span, as_of_ms: number, events: string): void {
  if (as_of_ms > span.oldest_ms) return
  const [oldest, as_of] = [span.oldest_ms, as_of_ms].map((ms) => new Date(ms).toISOString())
  throw new JobError(
    `${events}: the oldest usable event is of ${oldest}, expected some before the as-of time, ${as_of}`,
  )
}

/**
 * Live counts are kept by UTC day, and a build takes over the days that it began after (docs/formats.md §6): as of midnight
 * nothing falls between the two. A log of a single day would give nothing, so that one is counted to its end.
 */
function wholeDays({ oldest_ms, newest_ms }: Span): number {
  // An event whose clock runs ahead must not close a day that is not over.
  const midnight_ms = Math.floor(Math.min(newest_ms, Date.now()) / DAY_MS) * DAY_MS
  return oldest_ms < midnight_ms ? midnight_ms : newest_ms + 1
}

/** Hashing in SQL would be another dialect's XXH64; the ids are hashed by the module that the server uses. */
async function createItemKeys(session: DuckSession, source: Source): Promise<void> {
  await session.run('CREATE OR REPLACE TABLE item_keys (item VARCHAR, item_key UBIGINT)')
  const appender = await session.appender('item_keys')
  const item = textSql(source, 'item')
  for await (const chunk of session.chunks(
    `SELECT DISTINCT ${item} AS item FROM ${source.from} WHERE ${item} IS NOT NULL`,
  )) {
    for (const text of chunk.getColumnValues(0)) {
      appender.appendVarchar(String(text))
      appender.appendUBigInt(xxh64(String(text)))
      appender.endRow()
    }
  }
  appender.closeSync()
}

async function createCatalogue({ session, items, item_column = 'item' }: EventsOptions): Promise<void> {
  await session.run('CREATE OR REPLACE TABLE catalogue (item VARCHAR)')
  if (items === undefined) return
  const columns = (name: string) => name === item_column
  const source = await openSource({ session, pattern: items, converted: 'items', columns })
  if (!source.columns.has(item_column)) throw new JobError(`${items}: no column "${item_column}", expected one`)
  await session.run(`INSERT INTO catalogue SELECT DISTINCT ${textSql(source, item_column)} FROM ${source.from}`)
}

async function createKnownActions(session: DuckSession, manifest: Manifest): Promise<void> {
  const counted = manifest.counts.columns.map((column) => column.action)
  const names = [...new Set([...LOG_ACTIONS, ...Object.keys(manifest.actions), ...counted])]
  await session.run(`CREATE OR REPLACE TABLE known_actions AS
    SELECT unnest([${names.map(quote).join(', ')}]) AS action, unnest([${names.map((name) => manifest.actions[name] ?? 0).join(', ')}]) AS code`)
}

async function readReport(session: DuckSession, source: Source): Promise<{ report: RowReport; span?: Span }> {
  await session.task('checking rows', sqlFile('events_report'))
  const rows = await session.rows(
    'SELECT reason, events, oldest_ms, newest_ms FROM events_report ORDER BY events DESC, reason',
  )
  const rejections: Rejection[] = []
  for (const row of rows.filter((row) => row.reason !== null)) {
    const reason = String(row.reason)
    rejections.push({ reason, rows: Number(row.events), samples: await samplesOf(session, reason) })
  }
  const good = rows.find((row) => row.reason === null)
  const checked = rows.reduce((sum, row) => sum + Number(row.events), 0)
  const lines = source.rejects
  if (lines.length > 0) rejections.push(...rejectedLines(source))
  const report = {
    rows: checked + lines.length,
    rejected: rejections.reduce((sum, rejection) => sum + rejection.rows, 0),
    rejections,
  }
  return { report, span: good && { oldest_ms: Number(good.oldest_ms), newest_ms: Number(good.newest_ms) } }
}

async function samplesOf(session: DuckSession, reason: string): Promise<string[]> {
  const rows = await session.rows(
    `SELECT left(time_text, 60) AS time, user_id, left(query, 60) AS query, left(item, 60) AS item, action FROM events_checked
     WHERE reason = ${quote(reason)} LIMIT ${SAMPLES_MAX}`,
  )
  return rows.map((row) => JSON.stringify(row))
}

function rejectedLines(source: Source): Rejection[] {
  const by_reason = Map.groupBy(source.rejects, (line) => line.reason)
  return [...by_reason].map(([reason, lines]) => ({
    reason: `not a record: ${reason}`,
    rows: lines.length,
    samples: lines.slice(0, SAMPLES_MAX).map(({ file, line }) => `${file} line ${line}`),
  }))
}
