/** A count blob as the reference kernel reads it (docs/formats.md §3); every byte is verified. */
import { checksum } from '../items/checksum.ts'
import { KernelInputError } from './errors.ts'
import type { CountBlob } from './kernel.ts'

const HEADER_BYTES = 32
const MAGIC = 0x42435250
const COLUMNS_MAX = 64
const ITEMS_MAX = 2 ** 24

export type ParsedBlob = {
  totals: Float64Array
  /** Item key → its index in every column. */
  items: Map<bigint, number>
  columns: Uint32Array[]
}

export function parseBlob({ bytes, features, checked }: CountBlob, index: number): ParsedBlob {
  const refuse = (message: string): never => {
    throw new KernelInputError(message, index)
  }
  if (bytes.length < HEADER_BYTES) refuse(`${bytes.length} bytes, expected at least ${HEADER_BYTES}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const magic = view.getUint32(0, true)
  const version = view.getUint16(4, true)
  const columns = view.getUint16(6, true)
  const items = view.getUint32(8, true)
  if (magic !== MAGIC) refuse(`magic 0x${magic.toString(16)}, expected 0x${MAGIC.toString(16)}`)
  if (version !== 1) refuse(`version ${version}, expected 1`)
  if (columns < 1 || columns > COLUMNS_MAX) refuse(`${columns} columns, expected 1 to ${COLUMNS_MAX}`)
  if (items > ITEMS_MAX) refuse(`${items} items, expected at most ${ITEMS_MAX}`)
  const expected = HEADER_BYTES + 8 * columns + 8 * items + 4 * columns * items
  if (bytes.length !== expected) refuse(`${bytes.length} bytes, expected ${expected} for ${items} items`)
  if (features.length !== columns) refuse(`${columns} columns, but ${features.length} are mapped to features`)
  if (!checked && checksum(bytes.subarray(HEADER_BYTES)) !== view.getBigUint64(24, true)) refuse('checksum differs')
  // A copy, for the alignment; not `slice`, which on a Buffer is a view.
  const body = new Uint8Array(bytes.subarray(HEADER_BYTES)).buffer
  const totals = new Float64Array(body, 0, columns)
  for (const total of totals) if (!(total >= 0 && total < Infinity)) refuse(`total of ${total}, expected a number ≥ 0`)
  const keys = new BigUint64Array(body, 8 * columns, items)
  for (let i = 1; i < items; i++) if (keys[i] <= keys[i - 1]) refuse(`keys do not ascend at item ${i}`)
  return {
    totals,
    items: new Map(Array.from(keys, (key, i) => [key, i])),
    columns: Array.from(totals, (_, c) => new Uint32Array(body, 8 * (columns + items) + 4 * c * items, items)),
  }
}
