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

export function describeItem(table: ItemTable, id: string): string {
  const { info } = table
  if (info.id_kind === 'u64' && !/^\d{1,20}$/.test(id)) throw new JobError(`item "${id}": the table's ids are numbers`)
  const key = info.id_kind === 'u64' ? BigInt.asUintN(64, BigInt(id)) : xxh64(id)
  const rows = table.rowsOf(BigUint64Array.of(key))
  if (rows[0] === NO_ROW) return `item ${id}: not in the table (key ${key})`
  const vector = new Float32Array(info.dims)
  const content = new Float32Array(info.content_dims)
  const scalars = new Float32Array(info.scalars.length)
  table.readVectors(rows, vector)
  table.readContent(rows, content)
  table.readScalars(rows, scalars)
  const lines = [
    ['row', String(rows[0])],
    ['key', String(key)],
    ['vector', describeVector(vector)],
    ...(info.content_dims > 0 ? [['content', describeVector(content)]] : []),
    ...info.scalars.map((name, at) => [name, Number.isNaN(scalars[at]) ? 'missing' : String(scalars[at])]),
  ]
  return `item ${id}\n${indent(formatTable(lines))}`
}

function describeVector(values: Float32Array): string {
  const shown = Array.from(values.subarray(0, NUMBERS_SHOWN), (value) => value.toFixed(4)).join(' ')
  return `${shown}${values.length > NUMBERS_SHOWN ? ' …' : ''} (norm ${Math.hypot(...values).toFixed(4)})`
}
