/**
 * An open items.table. The file is mapped read-only by the addon (shared between processes, nothing is read at start);
 * without an addon it is read into memory. The header and every bound it implies are always verified, checksums on
 * request. What the sections hold is never trusted: a wrong byte can give a wrong answer, no access outside the file.
 */
import type { TableHandle } from './addon.ts'
import { checksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import {
  BUCKET_BYTES,
  type Dtype,
  type IdKind,
  NO_ROW,
  SECTIONS,
  type SectionName,
  sketchVectorBytes,
  vectorBytes,
} from './format.ts'
import { fromHalf } from './half.ts'
import { hex64 } from './header.ts'
import { findRows } from './id_index.ts'
import { openMemory, type Rest, type Strip, type TableMemory } from './table_memory.ts'

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
  /** 0 without sketches. */
  sketch_bytes: number
  /** Whether rows can be turned back into ids. */
  has_ids: boolean
}

export class ItemTable {
  readonly info: TableInfo
  readonly #memory: TableMemory
  #is_open = true

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

  /** `open` with checksums verified off the main thread, piece by piece: the way to load a table beside one that is serving. */
  static async load(path: string, { rest = async () => {} }: { rest?: Rest } = {}): Promise<ItemTable> {
    const table = ItemTable.open(path)
    try {
      for (const name of SECTIONS) {
        const { sections } = table.#memory.header
        table.#compare(name, await table.#memory.checksum(sections[name], rest))
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
      sketch_bytes: header.sketch_stride,
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
    return this.#is_open && this.#memory.lost()
  }

  /** Row of every key, NO_ROW where the table has none; repeated keys keep their row (unlike `Kernel.resolve`). */
  rowsOf(keys: BigUint64Array): Uint32Array {
    const { header } = this.#memory
    const read = (buckets: Uint32Array) => new Uint32Array(this.#gather('index', BUCKET_BYTES, buckets))
    return findRows({ buckets: header.buckets, probes: header.probes, rows: header.rows, read }, keys)
  }

  keysOf(rows: Uint32Array): BigUint64Array {
    this.#requireRows(rows)
    return new BigUint64Array(this.#gather('keys', 8, rows))
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
    const width = this.info.content_dims
    this.#requireRowsOrNone(rows)
    this.#requireSpace(out, rows.length * width)
    const halves = new Uint16Array(this.#gather('content', 2 * width, rows))
    for (let at = 0; at < halves.length; at++) out[at] = fromHalf(halves[at])
  }

  /** Vectors as the kernel sees them, D floats per row; rows that are NO_ROW become NaN. */
  readVectors(rows: Uint32Array, out: Float32Array): void {
    const width = this.info.dims
    this.#requireSpace(out, rows.length * width)
    const records = this.#records(rows)
    for (let i = 0; i < rows.length; i++) {
      const target = out.subarray(i * width, (i + 1) * width)
      if (rows[i] === NO_ROW) target.fill(Number.NaN)
      else this.#decode(records, i * this.info.row_bytes, target)
    }
  }

  /** Raw scalars, S floats per row, NaN where missing or without a row. */
  readScalars(rows: Uint32Array, out: Float32Array): void {
    const width = this.info.scalars.length
    this.#requireOpen()
    this.#requireRowsOrNone(rows)
    this.#requireSpace(out, rows.length * width)
    const floats = new Float32Array(this.#memory.gather(this.#scalars(), rows))
    for (let i = 0; i < rows.length; i++) {
      for (let s = 0; s < width; s++) out[i * width + s] = rows[i] === NO_ROW ? Number.NaN : floats[i * width + s]
    }
  }

  /** Releases the memory as soon as no running kernel call reads it; every later use throws. */
  close(): void {
    if (!this.#is_open) return
    this.#is_open = false
    this.#memory.release()
  }

  #requireOpen(): void {
    if (!this.#is_open) throw new ItemTableError('the table is closed')
  }

  /** One value per row of a section that is an array of them. */
  #gather(name: SectionName, bytes: number, rows: Uint32Array): ArrayBuffer {
    this.#requireOpen()
    const { offset } = this.#memory.header.sections[name]
    return this.#memory.gather({ offset, stride: bytes, bytes }, rows)
  }

  /** In the sketches, if there are some, else behind the vectors. */
  #scalars(): Strip {
    const { sketch, sections, scalars, row_stride, sketch_stride } = this.#memory.header
    const bytes = 4 * scalars.length
    return sketch
      ? { offset: sections.sketch.offset + sketchVectorBytes(this.info), stride: sketch_stride, bytes }
      : { offset: sections.rows.offset + row_stride - bytes, stride: row_stride, bytes }
  }

  /** All that a row holds. */
  #records(rows: Uint32Array): ArrayBuffer {
    this.#requireRowsOrNone(rows)
    return this.#gather('rows', this.info.row_bytes, rows)
  }

  #decode(records: ArrayBuffer, at: number, out: Float32Array): void {
    const { dtype, dims } = this.info
    if (dtype === 'float32') {
      out.set(new Float32Array(records, at, dims))
    } else if (dtype === 'float16') {
      const halves = new Uint16Array(records, at, dims)
      for (let d = 0; d < dims; d++) out[d] = fromHalf(halves[d])
    } else {
      const [scale] = new Float32Array(records, at + vectorBytes(this.info), 1)
      const steps = new Int8Array(records, at, dims)
      for (let d = 0; d < dims; d++) out[d] = steps[d] * scale
    }
  }

  #idOf(row: number): string {
    const { ids } = this.#memory.header.sections
    const [from, to] = Array.from(new BigUint64Array(this.#gather('offsets', 8, Uint32Array.of(row, row + 1))), Number)
    if (from > to || to > ids.bytes) throw new ItemTableError(`the id of row ${row} is damaged: bytes ${from} to ${to}`)
    const strip = { offset: ids.offset + from, stride: 0, bytes: to - from }
    return new TextDecoder().decode(this.#memory.gather(strip, Uint32Array.of(0)))
  }

  #requireRows(rows: Uint32Array): void {
    for (const row of rows)
      if (row >= this.info.rows) throw new RangeError(`row ${row}, the table has ${this.info.rows}`)
  }

  #requireRowsOrNone(rows: Uint32Array): void {
    this.#requireRows(rows.filter((row) => row !== NO_ROW))
  }

  #requireSpace(out: Float32Array, expected: number): void {
    if (out.length < expected) throw new RangeError(`out holds ${out.length} floats, ${expected} are needed`)
  }

  #verify(): void {
    const { sections } = this.#memory.header
    for (const name of SECTIONS) {
      const { offset, bytes } = sections[name]
      this.#compare(name, checksum(new Uint8Array(this.#memory.buffer(), offset, bytes)))
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
