/**
 * Snapshot files (docs/formats.md §7): store keys and values in key order. The jobs write them, the embedded store and
 * `prerank load` read them. Both directions stream, so a file may be larger than memory.
 */
import { createReadStream, type ReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

const MAGIC = Buffer.from('PRSN')
const VERSION = 1
const HEADER_BYTES = 8
const KEY_BYTES_MAX = 2 ** 16
/** What Redis takes as one value. */
const VALUE_BYTES_MAX = 512 * 2 ** 20
const FLUSH_BYTES = 2 ** 20

export type SnapshotRecord = { key: string; value: Uint8Array }

/** A file that cannot be read as a snapshot, or a record that does not fit into one. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

/** Records in file order; each value owns its memory. Throws on a foreign, truncated or unsorted file. */
export async function* readSnapshot(path: string): AsyncGenerator<SnapshotRecord> {
  const stream = createReadStream(path, { highWaterMark: FLUSH_BYTES })
  try {
    yield* readRecords(path, byteReader(path, stream))
  } finally {
    stream.destroy()
  }
}

async function* readRecords(path: string, bytes: ByteReader): AsyncGenerator<SnapshotRecord> {
  const header = await bytes.take(HEADER_BYTES, 'header')
  if (!header.subarray(0, 4).equals(MAGIC)) {
    throw new SnapshotError(
      `${path}: found magic 0x${header.toString('hex', 0, 4)}, expected "PRSN": not a snapshot file`,
    )
  }
  const version = header.readUInt32LE(4)
  if (version !== VERSION) throw new SnapshotError(`${path}: found snapshot version ${version}, expected ${VERSION}`)
  let previous: Buffer | undefined
  while (!(await bytes.ended())) {
    const lengths = await bytes.take(8, 'record header')
    const key_bytes = lengths.readUInt32LE(0)
    const value_bytes = lengths.readUInt32LE(4)
    assertLengths(path, key_bytes, value_bytes)
    const key = Buffer.from(await bytes.take(key_bytes, 'key'))
    if (previous && previous.compare(key) >= 0) {
      throw new SnapshotError(`${path}: key "${key}" follows "${previous}", expected ascending keys`)
    }
    yield { key: key.toString(), value: new Uint8Array(await bytes.take(value_bytes, `value of "${key}"`)) }
    previous = key
  }
}

/**
 * Writes records that come in ascending order of their keys' bytes, to a temporary file that takes its name when
 * complete; nothing is left behind on an error. Returns how many records were written.
 */
export async function writeSnapshot(
  path: string,
  records: Iterable<SnapshotRecord> | AsyncIterable<SnapshotRecord>,
): Promise<number> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w')
  try {
    const written = await writeRecords(file, records)
    await file.sync()
    await file.close()
    await rename(temporary, path)
    return written
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
}

/** Order of a snapshot's records: that of the keys' UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

async function writeRecords(
  file: FileHandle,
  records: Iterable<SnapshotRecord> | AsyncIterable<SnapshotRecord>,
): Promise<number> {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt32LE(VERSION, 4)
  let pending: Uint8Array[] = [header]
  let pending_bytes = HEADER_BYTES
  let written = 0
  let previous: Buffer | undefined
  for await (const record of records) {
    const key = Buffer.from(record.key)
    assertLengths('snapshot', key.length, record.value.byteLength)
    if (previous && previous.compare(key) >= 0) {
      throw new Error(`snapshot: key "${record.key}" follows "${previous}", expected ascending keys`)
    }
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32LE(key.length, 0)
    lengths.writeUInt32LE(record.value.byteLength, 4)
    pending.push(lengths, key, record.value)
    pending_bytes += 8 + key.length + record.value.byteLength
    written++
    previous = key
    if (pending_bytes >= FLUSH_BYTES) {
      await writeAll(file, Buffer.concat(pending))
      pending = []
      pending_bytes = 0
    }
  }
  await writeAll(file, Buffer.concat(pending))
  return written
}

/** One write() may stop half-way on a full disk or a signal. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
}

function assertLengths(where: string, key_bytes: number, value_bytes: number): void {
  if (key_bytes < 1 || key_bytes > KEY_BYTES_MAX) {
    throw new SnapshotError(`${where}: found a key of ${key_bytes} bytes, expected 1 to ${KEY_BYTES_MAX}`)
  }
  if (value_bytes > VALUE_BYTES_MAX) {
    throw new SnapshotError(`${where}: found a value of ${value_bytes} bytes, expected at most ${VALUE_BYTES_MAX}`)
  }
}

/** Exact byte counts out of a chunked stream; what `take` returns is valid until the next call. */
type ByteReader = { take(bytes: number, what: string): Promise<Buffer>; ended(): Promise<boolean> }

function byteReader(path: string, stream: ReadStream): ByteReader {
  const chunks = stream[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0

  async function fill(bytes: number): Promise<void> {
    const parts = [rest]
    let available = rest.length
    while (available < bytes) {
      const next = await chunks.next()
      if (next.done) break
      parts.push(next.value)
      available += next.value.length
    }
    rest = parts.length === 1 ? rest : Buffer.concat(parts)
  }

  return {
    async take(bytes: number, what: string): Promise<Buffer> {
      if (rest.length < bytes) await fill(bytes)
      if (rest.length < bytes) {
        throw new SnapshotError(
          `${path}: truncated: found ${rest.length} bytes at offset ${offset}, expected ${bytes} for the ${what}`,
        )
      }
      const taken = rest.subarray(0, bytes)
      rest = rest.subarray(bytes)
      offset += bytes
      return taken
    },
    async ended(): Promise<boolean> {
      if (rest.length === 0) await fill(1)
      return rest.length === 0
    },
  }
}
