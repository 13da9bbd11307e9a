/** CSV and JSONL → one Parquet file of text columns, and the lines that are no records. */
import { join } from 'node:path'
import { JobError } from '../run/job.ts'
import type { DuckSession } from './session.ts'
import type { RejectedLine } from './source.ts'
import { quote, quoteName } from './sql_file.ts'

export type TextFormat = 'csv' | 'tsv' | 'jsonl'
type Convert = {
  session: DuckSession
  files: string[]
  format: TextFormat
  converted: string
  columns: (name: string) => boolean
}

const LINE_BYTES_MAX = 16 * 2 ** 20
/** One column that holds the whole line: a delimiter that text never has, nothing quoted. */
const LINES = `auto_detect = false, delim = '\\x01', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}`

export async function convertText(options: Convert): Promise<{ path: string; rejects: RejectedLine[] }> {
  const { session } = options
  const path = join(session.directory, `${options.converted}.parquet`)
  const select = options.format === 'jsonl' ? await selectJson(options) : await selectCsv(options)
  await session.task(`reading ${options.converted}`, `COPY (${select}) TO ${quote(path)} (FORMAT parquet)`)
  return { path, rejects: await readRejects(session) }
}

async function selectCsv({ session, files, format, columns }: Convert): Promise<string> {
  const delimiter = format === 'tsv' ? '\t' : ','
  const headers = await Promise.all(files.map((file) => headerOf(session, file)))
  const odd = headers.findIndex((header) => header !== headers[0])
  if (odd > 0) {
    throw new JobError(`${files[odd]}: found the header "${headers[odd]}", expected "${headers[0]}" as in ${files[0]}`)
  }
  const names = splitHeader(headers[0], delimiter)
  const read = names.filter(columns)
  if (read.length === 0)
    throw new JobError(`${files[0]}: none of its columns (${names.join(', ')}) is one this job reads`)
  const repeated = read.find((name, at) => read.indexOf(name) !== at)
  if (repeated !== undefined) throw new JobError(`${files[0]}: found two columns named "${repeated}", expected one`)
  // By position: of the names that are not read, some may be empty, or differ in case only.
  const types = names.map((_, at) => `column${at}: 'VARCHAR'`).join(', ')
  return `SELECT ${read.map((name) => `nullif(column${names.indexOf(name)}, '') AS ${quoteName(name)}`).join(', ')}
    FROM read_csv(${list(files)}, auto_detect = false, header = true, delim = ${quote(delimiter)}, quote = '"',
      escape = '"', columns = {${types}}, max_line_size = ${LINE_BYTES_MAX}, ${REJECTS})`
}

/**
 * Blank lines are none. A malformed line has no record: all its columns are null and the checks after this name the reason. Every line is asked
 * for its columns, since a field may come late: in newer files of a glob, or in few lines.
 */
async function selectJson({ session, files, converted, columns }: Convert): Promise<string> {
  const lines = `read_csv(${list(files)}, ${LINES}, max_line_size = ${LINE_BYTES_MAX}`
  await session.task(
    `finding columns of ${converted}`,
    `CREATE OR REPLACE TABLE found_columns AS
     SELECT DISTINCT unnest(TRY(json_keys(line))) AS name FROM ${lines}, ignore_errors = true)`,
  )
  const found = await session.rows('SELECT name FROM found_columns ORDER BY name')
  const names = found.map((row) => String(row.name)).filter(columns)
  if (names.length === 0) throw new JobError(`${files[0]}: found no line with a column that this job reads`)
  const structure = JSON.stringify(Object.fromEntries(names.map((name) => [name, 'VARCHAR'])))
  return `SELECT ${names.map((name) => `record.${quoteName(name)} AS ${quoteName(name)}`).join(', ')}
    FROM (SELECT TRY(json_transform(line, ${quote(structure)})) AS record FROM ${lines}, ${REJECTS})
      WHERE trim(line) <> '')`
}

const REJECTS = `store_rejects = true, rejects_table = 'rejected_lines', rejects_scan = 'rejected_scans'`

async function headerOf(session: DuckSession, file: string): Promise<string> {
  const rows = await session.rows(`SELECT line FROM read_csv(${quote(file)}, ${LINES}, ignore_errors = true) LIMIT 1`)
  const line = rows.length > 0 ? String(rows[0].line).replace(/^﻿/, '').trimEnd() : ''
  if (line === '') throw new JobError(`${file}: found no header, expected a first line with the names of the columns`)
  return line
}

function splitHeader(line: string, delimiter: string): string[] {
  const cells = line.match(delimiter === '\t' ? /("([^"]|"")*"|[^\t]*)(\t|$)/g : /("([^"]|"")*"|[^,]*)(,|$)/g) ?? []
  const names = cells.map((cell) => (cell.endsWith(delimiter) ? cell.slice(0, -1) : cell))
  // The pattern also matches the empty rest at the end of the line.
  if (!line.endsWith(delimiter)) names.pop()
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.trim()))
}

/** One line may break several rules; the first names it. */
async function readRejects(session: DuckSession): Promise<RejectedLine[]> {
  const rows = await session.rows(`
    SELECT file_path, line, min(lower(error_type::VARCHAR)) AS reason
    FROM rejected_lines JOIN rejected_scans USING (scan_id, file_id)
    GROUP BY file_path, line ORDER BY file_path, line`)
  return rows.map((row) => ({ file: String(row.file_path), line: Number(row.line), reason: String(row.reason) }))
}

function list(files: string[]): string {
  return `[${files.map(quote).join(', ')}]`
}
