/** A section being written: bytes go to a file at once, their number and checksum are kept. */
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { loadAddon } from './addon.ts'
import { startChecksum } from './checksum.ts'

/** One write call takes less than 2 GiB. */
const WRITE_BYTES = 1 << 28

export type SectionFile = {
  readonly path: string
  readonly bytes: number
  append(bytes: Uint8Array): void
  checksum(): bigint
  read(range: { at: number; bytes: number }): Uint8Array
  /** Writes outside the section, for the header and what follows; neither counted nor hashed. */
  writeAt(file_offset: number, bytes: Uint8Array): void
  /** On disk, and no longer in the cache: a reader is to get huge pages, which cached small ones would rule out. */
  sync(): void
  close(): void
  remove(): void
}

/** The section's first byte stands at file offset `start`. Fails when the file exists already. */
export function createSectionFile(path: string, start = 0): SectionFile {
  const file = openSync(path, 'wx+')
  const hash = startChecksum()
  let bytes_written = 0
  let open = true
  const close = () => {
    if (open) closeSync(file)
    open = false
  }
  const writeAt = (file_offset: number, bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, Math.min(WRITE_BYTES, bytes.length - done), file_offset + done)
    }
  }
  return {
    path,
    get bytes() {
      return bytes_written
    },
    append(bytes) {
      writeAt(start + bytes_written, bytes)
      hash.add(bytes)
      bytes_written += bytes.length
    },
    checksum: () => hash.digest(),
    read({ at, bytes }) {
      const out = new Uint8Array(bytes)
      const count = readSync(file, out, 0, bytes, start + at)
      if (count !== bytes) throw new Error(`${path}: read ${count} bytes at ${at}, expected ${bytes}`)
      return out
    },
    writeAt,
    sync() {
      fsyncSync(file)
      loadAddon().addon?.forgetCache(file)
    },
    close,
    remove() {
      close()
      rmSync(path, { force: true })
    },
  }
}
