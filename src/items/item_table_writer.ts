/**
 * Streaming writer of items.table: create → append batches → finish or abort. Rows go straight to the temporary file,
 * content and ids to side files that `finish` appends; only keys (8 bytes an item) and the index (18) are held in memory.
 * Sketches need the largest magnitudes of all vectors, so `finish` makes them of the rows it finds in the file.
 * The finished file is fsynced and renamed, so a reader sees the old table or the new one. Same input, same bytes.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import xxhash from 'xxhash-wasm'
import { checksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import {
  bucketCount,
  HEADER_BYTES,
  layOut,
  ROWS_MAX,
  rowStride,
  SECTIONS,
  type SectionName,
  sketchStride,
} from './format.ts'
import { toHalf } from './half.ts'
import { encodeHeader, type Header } from './header.ts'
import { buildIndex } from './id_index.ts'
import { checkBatch, completeOptions, type ItemBatch, type TableOptions } from './item_batch.ts'
import { createKeyList } from './key_list.ts'
import { rowEncoder } from './rows.ts'
import { createSectionFile, type SectionFile } from './section_file.ts'
import { createSketcher, type Sketcher } from './sketch.ts'

const { h64Raw } = await xxhash()
const ENCODE_ROWS = 4096
const COPY_BYTES = 1 << 22

type Streamed = 'rows' | 'scalars' | 'sketch' | 'content' | 'offsets' | 'ids'

export class ItemTableWriter {
  readonly #path: string
  readonly #options: Required<TableOptions>
  readonly #files: Record<Streamed, SectionFile>
  readonly #keys = createKeyList()
  readonly #sketcher: Sketcher
  #rows = 0
  #open = true

  /** Throws when the options make no table or the directory cannot be written. */
  static create(path: string, options: TableOptions): ItemTableWriter {
    return new ItemTableWriter(path, completeOptions(options))
  }

  private constructor(path: string, options: Required<TableOptions>) {
    const temporary = `${path}.${process.pid}.${Date.now()}`
    this.#path = path
    this.#options = options
    this.#sketcher = createSketcher(options)
    this.#files = {
      rows: createSectionFile(`${temporary}.tmp`, HEADER_BYTES),
      scalars: createSectionFile(`${temporary}.scalars.tmp`),
      sketch: createSectionFile(`${temporary}.sketch.tmp`),
      content: createSectionFile(`${temporary}.content.tmp`),
      offsets: createSectionFile(`${temporary}.offsets.tmp`),
      ids: createSectionFile(`${temporary}.ids.tmp`),
    }
  }

  get rows(): number {
    return this.#rows
  }

  /** Adds items in order. A refused batch leaves the table as it was. */
  append(batch: ItemBatch): void {
    this.#requireOpen()
    checkBatch(batch, this.#options)
    const n = batch.ids.length
    if (this.#rows + n > ROWS_MAX) throw new ItemTableError(`more than ${ROWS_MAX} items`)
    this.#appendRows(batch)
    if (this.#options.sketch) {
      this.#sketcher.see(batch.vectors)
      if (batch.scalars) this.#files.scalars.append(bytesOf(batch.scalars))
    }
    if (batch.content) this.#files.content.append(bytesOf(Uint16Array.from(batch.content, toHalf)))
    if (batch.ids instanceof BigUint64Array) this.#keys.add(batch.ids)
    else this.#appendIds(batch.ids)
    this.#rows += n
  }

  #appendRows(batch: ItemBatch): void {
    const { dims, sketch } = this.#options
    const scalars = sketch ? [] : this.#options.scalars
    const n = batch.ids.length
    const stride = rowStride(this.#options)
    const out = new Uint8Array(Math.min(n, ENCODE_ROWS) * stride)
    const encode = rowEncoder(this.#options, out)
    const no_scalars = new Float32Array(0)
    for (let first = 0; first < n; first += ENCODE_ROWS) {
      const count = Math.min(ENCODE_ROWS, n - first)
      for (let i = 0; i < count; i++) {
        const row = first + i
        encode(
          batch.vectors.subarray(row * dims, (row + 1) * dims),
          batch.scalars?.subarray(row * scalars.length, (row + 1) * scalars.length) ?? no_scalars,
          i * stride,
        )
      }
      this.#files.rows.append(out.subarray(0, count * stride))
    }
  }

  #appendIds(ids: string[]): void {
    const keys = new BigUint64Array(ids.length)
    const offsets = new BigUint64Array(ids.length)
    const texts = ids.map((id) => Buffer.from(id))
    let end = BigInt(this.#files.ids.bytes)
    texts.forEach((text, i) => {
      keys[i] = h64Raw(text)
      offsets[i] = end
      end += BigInt(text.length)
    })
    this.#keys.add(keys)
    this.#files.offsets.append(bytesOf(offsets))
    this.#files.ids.append(Buffer.concat(texts))
  }

  /** Completes the file and puts it in place. On error the temporary files are gone and the old table stands. */
  finish(): Header {
    this.#requireOpen()
    try {
      if (this.#options.keep_ids) this.#files.offsets.append(bytesOf(BigUint64Array.of(BigInt(this.#files.ids.bytes))))
      const header = this.#assemble()
      this.#files.rows.sync()
      this.#files.rows.close()
      renameSync(this.#files.rows.path, this.#path)
      syncDirectory(dirname(this.#path))
      return header
    } finally {
      this.abort()
    }
  }

  /** Removes the temporary files; harmless after `finish`. */
  abort(): void {
    this.#open = false
    for (const file of Object.values(this.#files)) file.remove()
  }

  #writeSketches(): void {
    const stride = rowStride(this.#options)
    const scalar_bytes = 4 * this.#options.scalars.length
    for (let first = 0; first < this.#rows; first += ENCODE_ROWS) {
      const count = Math.min(ENCODE_ROWS, this.#rows - first)
      const rows = this.#files.rows.read({ at: first * stride, bytes: count * stride })
      const scalars = this.#files.scalars.read({ at: first * scalar_bytes, bytes: count * scalar_bytes })
      this.#files.sketch.append(this.#sketcher.encode(rows, new Float32Array(scalars.buffer)))
    }
  }

  #assemble(): Header {
    const keys = this.#keys.all()
    const { words, probes, buckets } = this.#index(keys)
    const scales = this.#sketcher.scales()
    if (this.#options.sketch) this.#writeSketches()
    const shape = {
      ...this.#options,
      rows: this.#rows,
      buckets,
      ids_bytes: this.#files.ids.bytes,
      keeps_ids: this.#options.keep_ids,
    }
    const { sections, file_bytes } = layOut(shape)
    const held = {
      scales: bytesOf(this.#options.sketch ? scales : scales.subarray(0, 0)),
      keys: bytesOf(keys),
      index: bytesOf(words),
    }
    const checksums = {} as Record<SectionName, bigint>
    for (const name of SECTIONS) {
      const { offset, bytes } = sections[name]
      if (name === 'scales' || name === 'keys' || name === 'index') {
        this.#files.rows.writeAt(offset, held[name])
        checksums[name] = checksum(held[name])
      } else {
        if (name !== 'rows') this.#copy(this.#files[name], { offset, bytes })
        checksums[name] = bytes === 0 ? checksum(new Uint8Array(0)) : this.#files[name].checksum()
      }
      this.#files.rows.writeAt(offset + bytes, new Uint8Array((64 - ((offset + bytes) % 64)) % 64))
    }
    const header = {
      ...{ ...shape, file_bytes, sections, checksums, probes, row_stride: rowStride(shape) },
      ...{ sketch_stride: sketchStride(shape), sketch_error: this.#sketcher.error() },
    }
    this.#files.rows.writeAt(0, encodeHeader(header))
    return header
  }

  #index(keys: BigUint64Array): { words: Uint32Array; probes: number; buckets: number } {
    for (let buckets = bucketCount(keys.length); ; buckets = Math.ceil(buckets * 1.25) + 1) {
      const built = buildIndex({ keys, buckets })
      if (built === 'full') continue
      if ('rows_of_one_key' in built) throw new ItemTableError(this.#describeRepeat(built.rows_of_one_key))
      return { ...built, buckets }
    }
  }

  #describeRepeat([first, second]: [number, number]): string {
    const where = `item ${second} (counted from 0) repeats item ${first}`
    if (!this.#options.keep_ids) return `${where}: both have key ${this.#keys.all()[first]}; ids must be unique`
    const [a, b] = [this.#idOf(first), this.#idOf(second)]
    if (a === b) return `${where}: both have id ${JSON.stringify(a)}; ids must be unique`
    return `ids ${JSON.stringify(a)} and ${JSON.stringify(b)} have the same XXH64; rename one of them`
  }

  #idOf(row: number): string {
    const range = new BigUint64Array(this.#files.offsets.read({ at: row * 8, bytes: 16 }).buffer)
    return Buffer.from(this.#files.ids.read({ at: Number(range[0]), bytes: Number(range[1] - range[0]) })).toString()
  }

  #copy(from: SectionFile, { offset, bytes }: { offset: number; bytes: number }): void {
    for (let at = 0; at < bytes; at += COPY_BYTES) {
      this.#files.rows.writeAt(offset + at, from.read({ at, bytes: Math.min(COPY_BYTES, bytes - at) }))
    }
  }

  #requireOpen(): void {
    if (!this.#open) throw new ItemTableError('the writer was finished or aborted; create another one')
  }
}

function bytesOf(values: BigUint64Array | Float32Array | Uint32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}
