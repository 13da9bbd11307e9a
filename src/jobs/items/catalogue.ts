/** The catalogue as a stream of items in file order; rows that are no items are reported with where they stand and why. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import { DuckDBListValue } from '@duckdb/node-api'
import type { DuckSession, Row } from '../duck/session.ts'
import { openSource, type Source } from '../duck/source.ts'
import { quoteName } from '../duck/sql_file.ts'
import { textSql } from '../events/source_view.ts'
import { JobError } from '../run/job.ts'
import type { ColumnKind, ItemColumns } from './columns.ts'

export type ItemValue = string | number | readonly number[]
export type Item = {
  id: string
  /** Position in the catalogue, rejected rows included; counted from 0. */
  position: number
  values: Map<string, ItemValue>
}
export type RejectedItem = { where: string; id: string; reason: string }

export type Catalogue = {
  files: string[]
  rows: number
  /** Columns that the manifest reads and the catalogue lacks. */
  missing: string[]
  /** Lines that are no records. */
  rejects: RejectedItem[]
  items(onReject: (item: RejectedItem) => void): AsyncGenerator<Item>
}

export type CatalogueOptions = {
  session: DuckSession
  pattern: string
  columns: ItemColumns
  /** Manifest name → name in the file, where they differ; `item` is the id. */
  renamed: Map<string, string>
  id_kind: 'u64' | 'string'
}

const ID_CHARS_MAX = 1024

export async function openCatalogue(options: CatalogueOptions): Promise<Catalogue> {
  const { session, pattern, columns, renamed } = options
  const fileName = (name: string) => renamed.get(name) ?? name
  const wanted = new Set(['item', ...columns.keys()].map(fileName))
  const source = await openSource({ session, pattern, converted: 'items', columns: (name) => wanted.has(name) })
  if (!source.columns.has(fileName('item'))) {
    const found = [...source.columns.keys()].join(', ')
    throw new JobError(
      `${pattern}: no column "${fileName('item')}" (it has ${found}); name it with --column item=<name>`,
    )
  }
  const present = [...columns].filter(([name]) => source.columns.has(fileName(name)))
  const fields: Field[] = present.map(([name, kind]) => ({ name, kind, column: fileName(name) }))
  const [{ rows }] = await session.rows(`SELECT count(*) AS rows FROM ${source.from}`)
  return {
    files: source.files,
    rows: Number(rows),
    missing: [...columns.keys()].filter((name) => !source.columns.has(fileName(name))),
    rejects: source.rejects.map(({ file, line, reason }) => ({ where: `${file} line ${line}`, id: '', reason })),
    items: (onReject) => readItems({ ...options, source, fields, item: fileName('item') }, onReject),
  }
}

type Field = { name: string; kind: ColumnKind; column: string }
type Reading = CatalogueOptions & { source: Source; fields: Field[]; item: string }

async function* readItems(reading: Reading, onReject: (item: RejectedItem) => void): AsyncGenerator<Item> {
  const { session, source, fields } = reading
  const repeated = await repeatedIds(reading)
  const seen = new Set<string>()
  const list = fields.map((field) => fieldSql(source, field))
  const sql = `SELECT ${[`${textSql(source, reading.item)} AS item`, ...list].join(', ')} FROM ${source.from}`
  let position = 0
  for await (const chunk of session.chunks(sql)) {
    for (const row of rowsOf(chunk)) {
      const at = position++
      const id = row[0] === null ? '' : String(row[0])
      const item = { id, position: at, values: new Map<string, ItemValue>() }
      const reason =
        idProblem(id, reading.id_kind) ?? repeatProblem(id, repeated, seen) ?? readFields(fields, row, item)
      if (reason === null) yield item
      else onReject({ where: `row ${at + 1}`, id: id.slice(0, 60), reason })
    }
  }
}

/** Only ids that occur more than once are remembered while reading. */
async function repeatedIds({ session, source, item }: Reading): Promise<Set<string>> {
  const id = textSql(source, item)
  const rows: Row[] = await session.rows(
    `SELECT ${id} AS item FROM ${source.from} WHERE ${id} IS NOT NULL GROUP BY 1 HAVING count(*) > 1`,
  )
  return new Set(rows.map((row) => String(row.item)))
}

/** Value, then the text of what is there where it is not what the field is read as. */
function fieldSql(source: Source, { kind, column }: Field): string {
  const name = quoteName(column)
  const text = `CAST(${name} AS VARCHAR)`
  if (kind === 'text') {
    const value = textSql(source, column)
    return `${value}, CASE WHEN ${value} IS NULL THEN left(${text}, 40) END`
  }
  const value = `TRY_CAST(${name} AS ${kind === 'number' ? 'DOUBLE' : 'FLOAT[]'})`
  return `${value}, CASE WHEN ${value} IS NULL THEN left(nullif(trim(${text}), ''), 40) END`
}

function* rowsOf(chunk: DuckDBDataChunk): Generator<unknown[]> {
  const columns = chunk.getColumns()
  for (let at = 0; at < chunk.rowCount; at++) yield columns.map((column) => column[at])
}

function idProblem(id: string, id_kind: 'u64' | 'string'): string | null {
  if (id === '') return 'item is missing'
  if (id_kind === 'string')
    return id.length > ID_CHARS_MAX ? `item has ${id.length} characters, at most ${ID_CHARS_MAX}` : null
  const is_key = /^(0|[1-9]\d{0,19})$/.test(id) && BigInt(id) < 2n ** 64n
  return is_key ? null : 'item is not an unsigned 64-bit number'
}

function repeatProblem(id: string, repeated: Set<string>, seen: Set<string>): string | null {
  if (!repeated.has(id)) return null
  if (seen.has(id)) return 'item is there already'
  seen.add(id)
  return null
}

/** Fills the item's values; a reason why it cannot be used, or null. */
function readFields(fields: Field[], row: unknown[], item: Item): string | null {
  for (const [at, { name, kind }] of fields.entries()) {
    const [value, text] = [row[1 + 2 * at], row[2 + 2 * at]]
    if (text !== null) return `${name} holds ${JSON.stringify(text)}, expected a ${kind}`
    if (value === null) continue
    const read =
      kind === 'vector' && value instanceof DuckDBListValue ? (value.items as number[]) : (value as ItemValue)
    if (typeof read === 'number' && !Number.isFinite(read)) {
      // NaN is how numeric columns say "missing".
      if (Number.isNaN(read)) continue
      return `${name} holds ${read}, expected a finite number`
    }
    item.values.set(name, read)
  }
  return null
}
