/** The bytes of an open table: mapped by the addon, or read into memory where there is no addon. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ItemTableError } from './errors.ts'
import { HEADER_BYTES } from './format.ts'
import { decodeHeader, type Header } from './header.ts'

const READ_BYTES = 1 << 28

export type TableMemory = { header: Header; buffer: ArrayBuffer }

export function readTable(path: string): TableMemory {
  const file = openSync(path, 'r')
  try {
    const header = readHeader(file)
    const buffer = new ArrayBuffer(header.file_bytes)
    readFully(file, new Uint8Array(buffer))
    return { header, buffer }
  } finally {
    closeSync(file)
  }
}

function readHeader(file: number): Header {
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
