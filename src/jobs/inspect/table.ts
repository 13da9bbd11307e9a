/** An item table in words: its header, and single items of it. */
import { xxh64 } from '../../features/hash.ts'
import { NO_ROW } from '../../items/format.ts'
import type { ItemTable } from '../../items/item_table.ts'
import { formatBytes, formatCount, formatTable } from '../run/format.ts'
import { JobError } from '../run/job.ts'
import { indent } from './values.ts'

const NUMBERS_SHOWN = 8

export function describeTable({ info }: ItemTable, path: string): string {
  const rows = [
    ['items', formatCount(info.rows)],
    ['vectors', `${info.dims} × ${info.dtype}, ${info.row_bytes} bytes a row`],
    ['sketches', info.sketch_bytes > 0 ? `${info.sketch_bytes} bytes each` : 'none'],
    ['content', info.content_dims > 0 ? `${info.content_dims} × float16` : 'none'],
    ['scalars', info.scalars.join(', ') || 'none'],
    ['ids', `${info.id_kind}${info.has_ids ? '' : ', original ids not kept'}`],
    ['size', `${formatBytes(info.bytes)}, ${(info.bytes / Math.max(info.rows, 1)).toFixed(1)} bytes an item`],
    ['built for', `manifest ${info.fingerprint.slice(0, 16)}…`],
  ]
  return `${path}\n${indent(formatTable(rows))}`
}

export type InspectedItem = {
  id: string
  /** Decimal: JSON numbers are not exact beyond 2^53. */
  key: string
  /** Null: not in the table. */
  row: number | null
  vector: number[]
  content: number[]
  /** Null where missing. */
  scalars: Record<string, number | null>
}

export function readItem(table: ItemTable, id: string): InspectedItem {
  const { info } = table
  const key = info.id_kind === 'u64' ? keyOf(id) : xxh64(id)
  const rows = table.rowsOf(BigUint64Array.of(key))
  if (rows[0] === NO_ROW) return { id, key: String(key), row: null, vector: [], content: [], scalars: {} }
  const vector = new Float32Array(info.dims)
  const content = new Float32Array(info.content_dims)
  const scalars = new Float32Array(info.scalars.length)
  table.readVectors(rows, vector)
  table.readContent(rows, content)
  table.readScalars(rows, scalars)
  const named = info.scalars.map((name, at) => [name, Number.isNaN(scalars[at]) ? null : scalars[at]])
  return {
    id,
    key: String(key),
    row: rows[0],
    vector: [...vector],
    content: [...content],
    scalars: Object.fromEntries(named),
  }
}

function keyOf(id: string): bigint {
  if (/^\d{1,20}$/.test(id) && BigInt(id) < 2n ** 64n) return BigInt(id)
  throw new JobError(`item "${id}": expected a number below 2^64, as the table's ids are`)
}

export function describeItem({ id, key, row, vector, content, scalars }: InspectedItem): string {
  if (row === null) return `item ${id}: not in the table (key ${key})`
  const lines = [
    ['row', String(row)],
    ['key', key],
    ['vector', describeVector(vector)],
    ...(content.length > 0 ? [['content', describeVector(content)]] : []),
    ...Object.entries(scalars).map(([name, value]) => [name, value === null ? 'missing' : String(value)]),
  ]
  return `item ${id}\n${indent(formatTable(lines))}`
}

function describeVector(values: number[]): string {
  const shown = values
    .slice(0, NUMBERS_SHOWN)
    .map((value) => value.toFixed(4))
    .join(' ')
  return `${shown}${values.length > NUMBERS_SHOWN ? ' …' : ''} (norm ${Math.hypot(...values).toFixed(4)})`
}
