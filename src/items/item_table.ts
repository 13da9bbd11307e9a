/**
 * An open items.table. The file is mapped read-only by the addon (shared between processes, nothing is read at start);
 * without an addon it is read into memory. The header and every bound it implies are always verified, checksums on
 * request. What the sections hold is never trusted: a wrong byte can give a wrong answer, no access outside the file.
 */
import type { TableHandle } from './addon.ts'
import { checksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import { type Dtype, type IdKind, NO_ROW, SECTIONS, type SectionName, vectorBytes } from './format.ts'
import { fromHalf } from './half.ts'
import { hex64 } from './header.ts'
import { findRow } from './id_index.ts'
import { openMemory, type TableMemory } from './table_memory.ts'
import { type TableViews, viewTable } from './table_views.ts'

export type TableInfo = {
  rows: number
  dims: number
  dtype: Dtype
  id_kind: IdKind
  content_dims: number
  scalars: string[]
  /** Hex SHA-256 of the manifest the table was built with; zeros when there was none. */
  fingerprint: string
  bytes: number
  row_bytes: number
  /** Whether rows can be turned back into ids. */
  has_ids: boolean
}

export class ItemTable {
  readonly info: TableInfo
  readonly #memory: TableMemory
  #views: TableViews | null

  /** Throws an ItemTableError for anything but a whole table. `checksums` reads the file through, on this thread. */
  static open(path: string, options: { checksums?: boolean } = {}): ItemTable {
    try {
      const table = new ItemTable(openMemory(path))
      if (options.checksums) table.#verify()
      return table
    } catch (error) {
      throw explained(path, error)
    }
  }

  /** `open` with checksums verified off the main thread: the way to load a table beside one that is serving. */
  static async load(path: string): Promise<ItemTable> {
    const table = ItemTable.open(path)
    try {
      for (const name of SECTIONS) {
        const { sections } = table.#memory.header
        table.#compare(name, await table.#memory.checksum(sections[name]))
      }
    } catch (error) {
      table.close()
      throw explained(path, error)
    }
    return table
  }

  private constructor(memory: TableMemory) {
    const { header } = memory
    this.#memory = memory
    this.#views = viewTable(header, memory.buffer)
    this.info = {
      rows: header.rows,
      dims: header.dims,
      dtype: header.dtype,
      id_kind: header.id_kind,
      content_dims: header.content_dims,
      scalars: header.scalars,
      fingerprint: header.fingerprint,
      bytes: header.file_bytes,
      row_bytes: header.row_stride,
      has_ids: header.id_kind === 'u64' || header.keeps_ids,
    }
  }

  /** For the native kernel: the mapping, or null where the bytes were read into memory. */
  get handle(): TableHandle | null {
    this.#requireOpen()
    return this.#memory.handle
  }

  /** Whether the file has lost bytes since it was opened: answers from before the question may have come from zeros. */
  get lost(): boolean {
    return this.#views !== null && this.#memory.lost()
  }

  /** Row of every key, NO_ROW where the table has none; repeated keys keep their row (unlike `Kernel.resolve`). */
  rowsOf(keys: BigUint64Array): Uint32Array {
    const { index } = this.#requireOpen()
    const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2)
    return Uint32Array.from(keys, (_, i) => findRow(index, { low: halves[2 * i], high: halves[2 * i + 1] }))
  }

  keysOf(rows: Uint32Array): BigUint64Array {
    const { keys } = this.#requireOpen()
    this.#requireRows(rows)
    return BigUint64Array.from(rows, (row) => keys[row])
  }

  /** Original ids: numbers as bigint, strings where the table keeps them. */
  idsOf(rows: Uint32Array): (string | bigint)[] {
    if (this.info.id_kind === 'u64') return Array.from(this.keysOf(rows))
    if (!this.info.has_ids) throw new ItemTableError('the table was built without original ids (keep_ids: false)')
    this.#requireRows(rows)
    return Array.from(rows, (row) => this.#idOf(row))
  }

  /** Content embeddings into `out`, C floats per row; rows that are NO_ROW become zeros. */
  readContent(rows: Uint32Array, out: Float32Array): void {
    const { content } = this.#requireOpen()
    const width = this.info.content_dims
    this.#requireSpace(out, rows.length * width)
    for (let i = 0; i < rows.length; i++) {
      const from = this.#place(rows[i]) * width
      const to = i * width
      if (from < 0) out.fill(0, to, to + width)
      else for (let c = 0; c < width; c++) out[to + c] = fromHalf(content[from + c])
    }
  }

  /** Vectors as the kernel sees them, D floats per row; rows that are NO_ROW become NaN. */
  readVectors(rows: Uint32Array, out: Float32Array): void {
    const width = this.info.dims
    this.#requireSpace(out, rows.length * width)
    for (let i = 0; i < rows.length; i++) {
      const row = this.#place(rows[i])
      const target = out.subarray(i * width, (i + 1) * width)
      if (row < 0) target.fill(Number.NaN)
      else this.#decode(row, target)
    }
  }

  /** Raw scalars, S floats per row, NaN where missing or without a row. */
  readScalars(rows: Uint32Array, out: Float32Array): void {
    const { floats } = this.#requireOpen()
    const width = this.info.scalars.length
    const stride = this.info.row_bytes / 4
    this.#requireSpace(out, rows.length * width)
    for (let i = 0; i < rows.length; i++) {
      const row = this.#place(rows[i])
      const at = (row + 1) * stride - width
      for (let s = 0; s < width; s++) out[i * width + s] = row < 0 ? Number.NaN : floats[at + s]
    }
  }

  /** Releases the memory as soon as no running kernel call reads it; every later use throws. */
  close(): void {
    if (!this.#views) return
    this.#views = null
    this.#memory.release()
  }

  #requireOpen(): TableViews {
    if (!this.#views) throw new ItemTableError('the table is closed')
    return this.#views
  }

  #decode(row: number, out: Float32Array): void {
    const { floats, halves, int8 } = this.#requireOpen()
    const at = row * this.info.row_bytes
    if (this.info.dtype === 'float32') {
      out.set(floats.subarray(at / 4, at / 4 + out.length))
    } else if (this.info.dtype === 'float16') {
      for (let d = 0; d < out.length; d++) out[d] = fromHalf(halves[at / 2 + d])
    } else {
      const scale = floats[(at + vectorBytes(this.info)) / 4]
      for (let d = 0; d < out.length; d++) out[d] = int8[at + d] * scale
    }
  }

  #idOf(row: number): string {
    const { offsets, ids } = this.#requireOpen()
    const from = Number(offsets[row])
    const to = Number(offsets[row + 1])
    if (from > to || to > ids.length)
      throw new ItemTableError(`the id of row ${row} is damaged: bytes ${from} to ${to}`)
    return new TextDecoder().decode(ids.subarray(from, to))
  }

  /** −1 for NO_ROW. */
  #place(row: number): number {
    if (row === NO_ROW) return -1
    if (row >= this.info.rows) throw new RangeError(`row ${row}, the table has ${this.info.rows}`)
    return row
  }

  #requireRows(rows: Uint32Array): void {
    for (const row of rows)
      if (row >= this.info.rows) throw new RangeError(`row ${row}, the table has ${this.info.rows}`)
  }

  #requireSpace(out: Float32Array, expected: number): void {
    if (out.length < expected) throw new RangeError(`out holds ${out.length} floats, ${expected} are needed`)
  }

  #verify(): void {
    const { sections } = this.#memory.header
    for (const name of SECTIONS) {
      const { offset, bytes } = sections[name]
      this.#compare(name, checksum(new Uint8Array(this.#memory.buffer, offset, bytes)))
    }
  }

  #compare(name: SectionName, found: bigint): void {
    const expected = this.#memory.header.checksums[name]
    if (found === expected) return
    const hashes = `XXH64 ${hex64(found)}, expected ${hex64(expected)}`
    throw new ItemTableError(`section ${name} is damaged: ${hashes}; build or copy the file again`)
  }
}

/** The same error with the file's name in front. */
function explained(path: string, error: unknown): unknown {
  return error instanceof ItemTableError ? new ItemTableError(`${path}: ${error.message}`) : error
}
