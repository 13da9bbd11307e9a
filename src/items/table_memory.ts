/** The bytes of an open table: mapped by the addon, or read into memory where there is no addon. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type Addon, loadAddon, type TableHandle } from './addon.ts'
import { startChecksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import { DTYPES, HEADER_BYTES, NO_ROW, type Section } from './format.ts'
import { decodeHeader, type Header } from './header.ts'

const READ_BYTES = 1 << 28
/** Hashed between two rests: some 10 ms, and whole stripes of XXH64 (32 bytes). */
const PIECE_BYTES = 1 << 24
const NATIVE_SECTIONS = ['rows', 'scales', 'sketch', 'index'] as const

/** One value per row: where the first one stands in the file, how far it is to the next, and how long each is. */
export type Strip = { offset: number; stride: number; bytes: number }

/** What long work does after a piece of it; it ends the work by rejecting. */
export type Rest = () => Promise<void>

export type TableMemory = {
  header: Header
  /** For the native kernel; null when the bytes are not mapped. */
  handle: TableHandle | null
  /** The values of these rows, copied one behind the other; zeros for NO_ROW. */
  gather(strip: Strip, rows: Uint32Array): ArrayBuffer
  /** The whole file. For tools: a service has its heap marked by each of these (see native/gather.c). */
  buffer(): ArrayBuffer
  /** XXH64 of a section, off the main thread where the addon is there; after each piece it rests. */
  checksum(section: Section, rest: Rest): Promise<bigint>
  /** Whether bytes that were read may have been zeros, because the file has shrunk or cannot be read any more. */
  lost(): boolean
  release(): void
}

export function openMemory(path: string): TableMemory {
  const { addon } = loadAddon()
  const file = openSync(path, 'r')
  try {
    const header = readHeader(file)
    return addon ? mapMemory(addon, file, header) : readMemory(file, header)
  } finally {
    closeSync(file)
  }
}

export function mapMemory(addon: Addon, file: number, header: Header): TableMemory {
  const { file_bytes, sections, rows, dims, scalars, row_stride, sketch_stride, sketch_error, buckets, probes } = header
  const dtype = DTYPES.indexOf(header.dtype)
  const places = [file_bytes, ...NATIVE_SECTIONS.map((name) => sections[name].offset)]
  const shape = [rows, dims, scalars.length, row_stride, sketch_stride, sketch_error, buckets, probes, dtype]
  const handle = addon.mapTable(file, [...places, ...shape])
  let buffer: ArrayBuffer | null = null
  return {
    header,
    handle,
    gather({ offset, stride, bytes }, rows) {
      const out = new Uint8Array(rows.length * bytes)
      addon.tableGather(handle, [offset, stride, bytes], rows, out)
      return out.buffer
    },
    buffer() {
      buffer ??= addon.tableBuffer(handle)
      return buffer
    },
    async checksum({ offset, bytes }, rest) {
      const lanes = new BigUint64Array(4)
      for (let from = 0; ; from += PIECE_BYTES) {
        const to = Math.min(from + PIECE_BYTES, bytes)
        const hash = await addon.tableChecksum(handle, lanes, [offset, from, to])
        await rest()
        if (to === bytes) return hash
      }
    },
    lost: () => addon.tableLost(handle),
    release: () => addon.closeTable(handle, buffer),
  }
}

/** Exported for machines without the addon and for the tests that compare both ways. */
export function readMemory(file: number, header: Header): TableMemory {
  const buffer = new ArrayBuffer(header.file_bytes)
  const all = new Uint8Array(buffer)
  readFully(file, all)
  return {
    header,
    handle: null,
    gather({ offset, stride, bytes }, rows) {
      const out = new Uint8Array(rows.length * bytes)
      rows.forEach((row, i) => {
        const at = offset + stride * row
        if (row !== NO_ROW) out.set(all.subarray(at, at + bytes), i * bytes)
      })
      return out.buffer
    },
    buffer: () => buffer,
    async checksum({ offset, bytes }, rest) {
      const hash = startChecksum()
      for (let from = 0; from < bytes; from += PIECE_BYTES) {
        hash.add(new Uint8Array(buffer, offset + from, Math.min(PIECE_BYTES, bytes - from)))
        await rest()
      }
      return hash.digest()
    },
    lost: () => false,
    release() {},
  }
}

export function readHeader(file: number): Header {
  const { size } = fstatSync(file)
  const bytes = new Uint8Array(Math.min(size, HEADER_BYTES))
  readFully(file, bytes)
  return decodeHeader(bytes, size)
}

function readFully(file: number, out: Uint8Array): void {
  for (let at = 0; at < out.length; ) {
    const count = readSync(file, out, at, Math.min(READ_BYTES, out.length - at), at)
    if (count === 0)
      throw new ItemTableError(`the file ended after ${at} of ${out.length} bytes: somebody truncated it`)
    at += count
  }
}
