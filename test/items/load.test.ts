/** Loading a table beside one that serves: in pieces, with rests in between that may end it. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadAddon } from '../../src/items/addon.ts'
import { SECTIONS } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { mapMemory, readHeader, readMemory } from '../../src/items/table_memory.ts'
import { mappedTables } from '../lib/process_memory.ts'
import { createRandom } from '../lib/random.ts'
import { temporaryDirectory } from './directory.ts'

const PIECE_BYTES = 2 ** 24
const DIMS = 64
/** Vectors of a piece and a part. */
const ROWS = (PIECE_BYTES / (4 * DIMS)) * 1.25

function makeTable(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'items.table')
  const writer = ItemTableWriter.create(path, { dims: DIMS, dtype: 'float32', sketch: false, id_kind: 'u64' })
  const { uniform } = createRandom(1)
  const ids = BigUint64Array.from({ length: ROWS }, (_, i) => BigInt(i))
  writer.append({ ids, vectors: Float32Array.from({ length: ROWS * DIMS }, uniform) })
  writer.finish()
  return path
}

function openFile(t: TestContext, path: string): number {
  const file = openSync(path, 'r')
  t.after(() => closeSync(file))
  return file
}

test('a section of several pieces has the checksum that it was written with, mapped or read into memory', async (t) => {
  const file = openFile(t, makeTable(t))
  const header = readHeader(file)
  for (const memory of [mapMemory(loadAddon().addon!, file, header), readMemory(file, header)]) {
    for (const name of SECTIONS) {
      const { bytes } = header.sections[name]
      let rests = 0
      const found = await memory.checksum(header.sections[name], async () => {
        rests++
      })
      assert.equal(found, header.checksums[name], name)
      assert.ok(rests >= bytes / PIECE_BYTES, `${rests} rests in ${bytes} bytes`)
    }
    memory.release()
  }
})

test('a changed byte of a later piece is noticed', async (t) => {
  const path = makeTable(t)
  const bytes = readFileSync(path)
  const { offset } = readHeader(openFile(t, path)).sections.rows
  bytes[offset + PIECE_BYTES + 100] ^= 1
  writeFileSync(path, bytes)
  await assert.rejects(ItemTable.load(path), /section rows is damaged/)
})

test('a rest that rejects ends the load before the next piece, and nothing stays mapped', async (t) => {
  const path = makeTable(t)
  let rests = 0
  const rest = async () => {
    rests++
    throw new Error('the service is shutting down')
  }
  await assert.rejects(ItemTable.load(path, { rest }), /the service is shutting down/)
  assert.equal(rests, 1)
  assert.deepEqual(mappedTables(dirname(path)), [])
})
