/**
 * Log and catalogue files as DuckDB reads them: Parquet as it is; CSV and JSONL converted once to Parquet in the work
 * directory, so that every later pass reads only the columns it needs. Lines that are no records are kept as rejects.
 */
import { extname } from 'node:path'
import { JobError } from '../run/job.ts'
import type { DuckSession } from './session.ts'
import { quote } from './sql_file.ts'
import { convertText, type TextFormat } from './text_source.ts'

const TEXT_FORMATS: Record<string, TextFormat> = { '.csv': 'csv', '.tsv': 'tsv', '.jsonl': 'jsonl', '.ndjson': 'jsonl' }
const COMPRESSIONS = ['.gz', '.zst']
const EXPECTED = '.parquet, .csv, .tsv or .jsonl (.gz and .zst too)'

/** Table function call, columns with their DuckDB types, and the lines that could not be read at all. */
export type Source = { files: string[]; from: string; columns: Map<string, string>; rejects: RejectedLine[] }
export type RejectedLine = { file: string; line: number; reason: string }

export type SourceOptions = {
  session: DuckSession
  /** Path or glob. */
  pattern: string
  /** Name of the converted file in the work directory. */
  converted: string
  /** Columns that the job reads; others are not converted. */
  columns: (name: string) => boolean
}

export async function openSource(options: SourceOptions): Promise<Source> {
  const { session, pattern } = options
  const files = (await session.rows(`SELECT file FROM glob(${quote(pattern)}) ORDER BY file`)).map((row) =>
    String(row.file),
  )
  if (files.length === 0) throw new JobError(`${pattern}: no such file; expected a path or a glob`)
  const format = sameFormat(files)
  const converted = format === 'parquet' ? undefined : await convertText({ ...options, files, format })
  const from = `read_parquet([${(converted ? [converted.path] : files).map(quote).join(', ')}], union_by_name = true)`
  return { files, from, columns: await describe(session, from, pattern), rejects: converted?.rejects ?? [] }
}

async function describe(session: DuckSession, from: string, pattern: string): Promise<Map<string, string>> {
  try {
    const rows = await session.rows(`DESCRIBE SELECT * FROM ${from}`)
    return new Map(rows.map((row) => [String(row.column_name), String(row.column_type)]))
  } catch (error) {
    throw new JobError(`${pattern}: cannot be read: ${firstLine(error)}`)
  }
}

function sameFormat(files: string[]): TextFormat | 'parquet' {
  const formats = new Set(files.map(formatOf))
  if (formats.size > 1) {
    throw new JobError(
      `${files[0]} and others: found ${[...formats].join(' and ')} files, expected one format in one run`,
    )
  }
  return formatOf(files[0])
}

function formatOf(file: string): TextFormat | 'parquet' {
  const lower = file.toLowerCase()
  if (lower.endsWith('.parquet') || lower.endsWith('.pq')) return 'parquet'
  const bare = COMPRESSIONS.includes(extname(lower)) ? lower.slice(0, -extname(lower).length) : lower
  const format = TEXT_FORMATS[extname(bare)]
  if (!format) throw new JobError(`${file}: unknown kind of file, expected ${EXPECTED}`)
  return format
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]
}
