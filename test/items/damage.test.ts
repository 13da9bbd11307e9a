/** Files that are no whole item table: refused with what is wrong, never a crash, never a wrong row. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checksum } from '../../src/items/checksum.ts'
import { ItemTableError } from '../../src/items/errors.ts'
import { AT, HEADER_BYTES, SECTION_ENTRY_BYTES, SECTIONS, VERSION } from '../../src/items/format.ts'
import { decodeHeader } from '../../src/items/header.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { readHeader, readMemory } from '../../src/items/table_memory.ts'
import { temporaryDirectory } from './directory.ts'

function makeTable(t: TestContext): { path: string; bytes: Buffer } {
  const path = join(temporaryDirectory(t), 'items.table')
  const writer = ItemTableWriter.create(path, {
    ...{ dims: 3, dtype: 'float32', sketch: true, id_kind: 'string', content_dims: 2, scalars: ['age'] },
  })
  const ids = Array.from({ length: 50 }, (_, i) => `item ${i}`)
  writer.append({ ids, vectors: new Float32Array(150), scalars: new Float32Array(50), content: new Float32Array(100) })
  writer.finish()
  return { path, bytes: readFileSync(path) }
}

/** Changes the header and makes its checksum right again: what a hostile or buggy writer would produce. */
function forge(bytes: Buffer, change: (header: DataView) => void): Buffer {
  const copy = Buffer.from(bytes)
  const view = new DataView(copy.buffer, copy.byteOffset, HEADER_BYTES)
  change(view)
  view.setBigUint64(AT.checksum, 0n, true)
  view.setBigUint64(AT.checksum, checksum(copy.subarray(0, HEADER_BYTES)), true)
  return copy
}

function assertRefused(path: string, bytes: Uint8Array, message: RegExp, checksums = false): void {
  writeFileSync(path, bytes)
  assert.throws(
    () => ItemTable.open(path, { checksums }),
    (error) => {
      assert.ok(error instanceof ItemTableError, String(error))
      assert.match(error.message, message)
      assert.ok(error.message.startsWith(path))
      return true
    },
  )
}

test('foreign and short files and those of other versions are refused', (t) => {
  const { path, bytes } = makeTable(t)
  assertRefused(path, new Uint8Array(0), /the file is 0 bytes long, but an item table starts with a header of 4096/)
  assertRefused(path, bytes.subarray(0, 4095), /the file is 4095 bytes long/)
  assertRefused(path, Buffer.alloc(10_000, 'PAR1'), /not an item table: it starts with bytes 5041523150415231/)
  const future = Buffer.from(bytes)
  future.writeUInt32LE(VERSION + 1, AT.version)
  assertRefused(path, future, /item table of version 3, this build reads version 2/)
  const past = Buffer.from(bytes)
  past.writeUInt32LE(VERSION - 1, AT.version)
  assertRefused(path, past, /item table of version 1, this build reads version 2; build the table again/)
})

test('truncated and overlong files are refused', (t) => {
  const { path, bytes } = makeTable(t)
  for (const length of [4096, 5000, bytes.length - 1]) {
    assertRefused(
      path,
      bytes.subarray(0, length),
      new RegExp(`truncated: ${length} bytes, its header says ${bytes.length}`),
    )
  }
  assertRefused(path, Buffer.concat([bytes, Buffer.alloc(1)]), /longer than it was written/)
})

test('any changed byte of the header is noticed', (t) => {
  const { bytes } = makeTable(t)
  for (let at = 0; at < HEADER_BYTES; at++) {
    const header = Buffer.from(bytes.subarray(0, HEADER_BYTES))
    header[at] ^= 1 << (at % 8)
    assert.throws(() => decodeHeader(header, bytes.length), ItemTableError, `byte ${at}`)
  }
})

test('any changed byte of a section is noticed by its checksum', async (t) => {
  const { path, bytes } = makeTable(t)
  const header = decodeHeader(bytes.subarray(0, HEADER_BYTES), bytes.length)
  for (const name of SECTIONS) {
    const { offset, bytes: length } = header.sections[name]
    for (const at of [0, Math.floor(length / 2), length - 1]) {
      const changed = Buffer.from(bytes)
      changed[offset + at] ^= 64
      assertRefused(path, changed, new RegExp(`section ${name} is damaged: XXH64 [0-9a-f]{16}, expected`), true)
      await assert.rejects(ItemTable.load(path), new RegExp(`section ${name} is damaged`))
    }
  }
  writeFileSync(path, bytes)
  const table = await ItemTable.load(path)
  table.close()
})

test('a header that contradicts itself is refused although its checksum is right', (t) => {
  const { path, bytes } = makeTable(t)
  const set = (at: number, value: number) => forge(bytes, (view) => view.setUint32(at, value, true))
  assertRefused(path, set(AT.rows, 51), /section rows is said to be|index buckets/)
  assertRefused(path, set(AT.rows, 2 ** 31), /2147483648 rows, expected 0 to 1073741824/)
  assertRefused(path, set(AT.dims, 0), /0 dims, expected 1 to 1024/)
  assertRefused(path, set(AT.dims, 40), /rows of 12 bytes, but 40 × float32 needs 160/)
  assertRefused(path, set(AT.content_dims, 3), /section content is said to be 200 bytes at \d+, expected 300/)
  assertRefused(path, set(AT.scalars, 2), /2 scalars, but 1 names of scalars/)
  assertRefused(path, set(AT.buckets, 2), /2 index buckets, expected 10 to/)
  assertRefused(path, set(AT.probes, 0), /0 index probes, expected 1 to 255/)
  assertRefused(path, set(AT.names_bytes, 2 ** 20), /scalar names take 1048576 bytes/)
  assertRefused(
    path,
    forge(bytes, (view) => view.setUint8(AT.dtype, 9)),
    /unknown dtype 9/,
  )
  assertRefused(
    path,
    forge(bytes, (view) => view.setUint8(AT.id_kind, 2)),
    /unknown id kind 2/,
  )
  assertRefused(
    path,
    forge(bytes, (view) => view.setUint8(AT.names, 32)),
    /scalar name " ge" does not match/,
  )
  assertRefused(path, set(AT.sketch_stride, 12), /sketches of 12 bytes, but 3 dims and 1 scalars need 8/)
  assertRefused(path, set(AT.sketch_stride, 0), /rows of 12 bytes|sketch error/)
  const error = (value: number) => forge(bytes, (view) => view.setFloat64(AT.sketch_error, value, true))
  assertRefused(path, error(Number.NaN), /sketch error NaN, expected a finite number ≥ 0/)
  assertRefused(path, error(Number.POSITIVE_INFINITY), /sketch error Infinity/)
  assertRefused(path, error(-1e-9), /sketch error -1e-9/)
  assertRefused(
    path,
    forge(bytes, (view) => view.setUint8(AT.dtype, 2)),
    /a sketch beside int8 rows|rows of 12 bytes/,
  )
  SECTIONS.forEach((name, index) => {
    const at = AT.sections + index * SECTION_ENTRY_BYTES
    const moved = forge(bytes, (view) => view.setBigUint64(at, view.getBigUint64(at, true) + 64n, true))
    assertRefused(path, moved, new RegExp(`section ${name} is said to be`))
  })
})

test('mapped and read into memory, a table is the same', (t) => {
  const { path, bytes } = makeTable(t)
  const file = openSync(path, 'r')
  t.after(() => closeSync(file))
  const memory = readMemory(file, readHeader(file))
  assert.equal(memory.handle, null)
  assert.ok(Buffer.from(memory.buffer()).equals(bytes))
})
