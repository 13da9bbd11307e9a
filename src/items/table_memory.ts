/** The bytes of an open table: mapped by the addon, or read into memory where there is no addon. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type Addon, loadAddon, type TableHandle } from './addon.ts'
import { checksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import { DTYPES, HEADER_BYTES, type Section } from './format.ts'
import { decodeHeader, type Header } from './header.ts'

const READ_BYTES = 1 << 28

export type TableMemory = {
  header: Header
  buffer: ArrayBuffer
  /** For the native kernel; null when the bytes are not mapped. */
  handle: TableHandle | null
  /** XXH64 of a section, off the main thread where the addon is there. */
  checksum(section: Section): Promise<bigint>
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
  const { file_bytes, sections, rows, dims, scalars, row_stride, buckets, probes } = header
  const dtype = DTYPES.indexOf(header.dtype)
  const places = [file_bytes, sections.rows.offset, sections.index.offset]
  const shape = [rows, dims, scalars.length, row_stride, buckets, probes, dtype]
  const handle = addon.mapTable(file, [...places, ...shape])
  const buffer = addon.tableBuffer(handle)
  return {
    header,
    buffer,
    handle,
    checksum: ({ offset, bytes }) => addon.tableChecksum(handle, offset, bytes),
    lost: () => addon.tableLost(handle),
    release: () => addon.closeTable(handle, buffer),
  }
}

/** Exported for machines without the addon and for the tests that compare both ways. */
export function readMemory(file: number, header: Header): TableMemory {
  const buffer = new ArrayBuffer(header.file_bytes)
  readFully(file, new Uint8Array(buffer))
  return {
    header,
    buffer,
    handle: null,
    checksum: async ({ offset, bytes }) => checksum(new Uint8Array(buffer, offset, bytes)),
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
