/** `events_source`: the log's columns under one set of names and types, whatever the file gave them. */

import type { Source } from '../duck/source.ts'
import { quoteName } from '../duck/sql_file.ts'
import { JobError } from '../run/job.ts'

const REQUIRED = ['time', 'query', 'item', 'action']
/** Context columns of the log schema; a log may lack any of them, and `user`. */
export const CONTEXT = ['country', 'gender', 'device', 'language']
export const EVENT_COLUMNS = [...REQUIRED, 'user', 'request_id', ...CONTEXT]

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/
const NUMBER = /^(DOUBLE|FLOAT|DECIMAL.*|VARCHAR)$/

export function assertColumns(source: Source): void {
  const missing = REQUIRED.filter((name) => !source.columns.has(name))
  if (missing.length === 0) return
  throw new JobError(
    `${source.files[0]}: no column ${missing.map((name) => `"${name}"`).join(', ')} (it has ${[...source.columns.keys()].join(', ')}); ` +
      `expected ${REQUIRED.join(', ')} and, where there are users, user`,
  )
}

/** Item ids are keys where `id_kind` is u64; string ids get theirs from the table `item_keys`. */
export function eventsSourceSql(source: Source, id_kind: 'u64' | 'string'): string {
  const item = textSql(source, 'item')
  const texts = ['user', 'query', 'action', 'request_id', ...CONTEXT].filter((name) => source.columns.has(name))
  const context = CONTEXT.map((name) => `nullif(${textSql(source, name)}, '') AS ${name}`)
  const fields = [
    'file_index',
    'file_row_number',
    `${timeSql(source)} AS time_ms`,
    `CAST("time" AS VARCHAR) AS time_text`,
    `nullif(${textSql(source, 'user')}, '') AS user_id`,
    `coalesce(${textSql(source, 'query')}, '') AS query`,
    `${textSql(source, 'action')} AS action`,
    ...context,
    `nullif(${textSql(source, 'request_id')}, '') AS request_id`,
    `${item} AS item`,
    `(${['item', ...texts].map((name) => unreadableSql(source, name)).join(' OR ')}) AS unreadable`,
  ]
  const base = `SELECT ${fields.join(',\n  ')} FROM ${source.from}`
  if (id_kind === 'string') {
    return `CREATE OR REPLACE VIEW events_source AS
      SELECT base.*, item_keys.item_key FROM (${base}) AS base LEFT JOIN item_keys ON item_keys.item = base.item`
  }
  // A text id is a key only in its one canonical form: no sign, no leading zeros, no fraction.
  return `CREATE OR REPLACE VIEW events_source AS
    SELECT base.*, CASE WHEN CAST(TRY_CAST(item AS UBIGINT) AS VARCHAR) = item THEN TRY_CAST(item AS UBIGINT) END AS item_key
    FROM (${base}) AS base`
}

/** The column as text; NULL where the log lacks it or its bytes are no text. */
export function textSql(source: Source, name: string): string {
  const type = source.columns.get(name)
  const column = quoteName(name)
  if (type === undefined) return 'CAST(NULL AS VARCHAR)'
  if (type === 'VARCHAR') return column
  if (type === 'BLOB') return `TRY(decode(${column}))`
  if (INTEGER.test(type) || type.startsWith('ENUM') || type === 'UUID') return `CAST(${column} AS VARCHAR)`
  throw new JobError(`${source.files[0]}: column "${name}" has type ${type}, expected text or whole numbers`)
}

function unreadableSql(source: Source, name: string): string {
  if (source.columns.get(name) !== 'BLOB') return 'false'
  return `(${quoteName(name)} IS NOT NULL AND TRY(decode(${quoteName(name)})) IS NULL)`
}

/** Whole milliseconds; doubles hold them exactly up to 2^53. */
function timeSql(source: Source): string {
  const type = source.columns.get('time') ?? ''
  if (INTEGER.test(type)) return 'TRY_CAST("time" AS BIGINT)'
  if (type.startsWith('TIMESTAMP')) return 'epoch_ms("time")'
  if (!NUMBER.test(type)) {
    throw new JobError(`${source.files[0]}: column "time" has type ${type}, expected Unix milliseconds or a timestamp`)
  }
  const number = 'TRY_CAST("time" AS DOUBLE)'
  return `CASE WHEN ${number} = floor(${number}) AND abs(${number}) < 9007199254740992 THEN CAST(${number} AS BIGINT) END`
}
