/** The sketches of an item table: where they stand, and that no row is further from its sketch than the header says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Dtype, HEADER_BYTES, sketchStride } from '../../src/items/format.ts'
import { decodeHeader, type Header } from '../../src/items/header.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { createRandom } from '../lib/random.ts'
import { temporaryDirectory } from './directory.ts'

const DIMS = 7
const ROWS = 9000

type Written = { header: Header; bytes: Buffer; table: ItemTable; scalars: Float32Array }

function write(t: TestContext, { dtype, vectors }: { dtype: Dtype; vectors: Float32Array }): Written {
  const path = join(temporaryDirectory(t), 'items.table')
  const options = { dims: DIMS, dtype, sketch: true, id_kind: 'u64' as const, scalars: ['age', 'sales'] }
  const writer = ItemTableWriter.create(path, options)
  const rows = vectors.length / DIMS
  const scalars = Float32Array.from({ length: 2 * rows }, (_, i) => (i % 5 === 2 ? Number.NaN : i))
  // Batches that do not divide what the writer takes at a time.
  for (let from = 0; from < rows; from += 1001) {
    const to = Math.min(rows, from + 1001)
    const ids = BigUint64Array.from({ length: to - from }, (_, i) => BigInt(from + i))
    const part = (values: Float32Array, width: number) => values.subarray(from * width, to * width)
    writer.append({ ids, vectors: part(vectors, DIMS), scalars: part(scalars, 2) })
  }
  writer.finish()
  const bytes = readFileSync(path)
  const table = ItemTable.open(path, { checksums: true })
  t.after(() => table.close())
  return { bytes, table, scalars, header: decodeHeader(bytes.subarray(0, HEADER_BYTES), bytes.length) }
}

/** Euclidean distance between every row as the table gives it back and its sketch. */
function distances({ header, bytes, table }: Written): number[] {
  const { sections, sketch_stride, rows } = header
  const vector = new Float32Array(DIMS)
  return Array.from({ length: rows }, (_, row) => {
    table.readVectors(Uint32Array.of(row), vector)
    const at = sections.sketch.offset + row * sketch_stride
    return Math.hypot(
      ...vector.map((x, d) => x - bytes.readInt8(at + d) * bytes.readFloatLE(sections.scales.offset + 4 * d)),
    )
  })
}

const CONTENTS: Record<string, (normal: number, row: number, d: number) => number> = {
  'numbers near 1': (normal) => normal,
  zeros: () => 0,
  'one large row': (normal, row) => (row === 17 ? 60_000 * Math.sign(normal) : normal),
  'a dim of zeros and one of denormals': (normal, _, d) => (d === 0 ? 0 : d === 1 ? normal * 1e-44 : normal),
}

for (const dtype of ['float32', 'float16'] as const) {
  for (const [name, value] of Object.entries(CONTENTS)) {
    test(`the header’s error covers every ${dtype} row and is no larger than the largest: ${name}`, (t) => {
      const random = createRandom(4)
      const vectors = Float32Array.from({ length: ROWS * DIMS }, (_, at) =>
        value(random.normal(), Math.floor(at / DIMS), at % DIMS),
      )
      const written = write(t, { dtype, vectors })
      const largest = Math.max(...distances(written))
      const { sketch_error } = written.header
      assert.ok(largest <= sketch_error && sketch_error <= largest * (1 + 1e-9), `${largest}, header ${sketch_error}`)
    })
  }
}

test('a sketch of numbers near 1 is off by half a level at most, in every dim', (t) => {
  const random = createRandom(5)
  const written = write(t, { dtype: 'float32', vectors: Float32Array.from({ length: 70_000 }, () => random.normal()) })
  const scales = Array.from({ length: DIMS }, (_, d) =>
    written.bytes.readFloatLE(written.header.sections.scales.offset + 4 * d),
  )
  assert.ok(written.header.sketch_error <= Math.hypot(...scales) * 0.5001)
})

test('scalars stand in the sketches, and the rows are the vectors alone', (t) => {
  const written = write(t, { dtype: 'float32', vectors: new Float32Array(ROWS * DIMS) })
  const { header, bytes, table, scalars } = written
  assert.equal(header.row_stride, DIMS * 4)
  const found = new Float32Array(2 * ROWS)
  table.readScalars(
    Uint32Array.from({ length: ROWS }, (_, row) => row),
    found,
  )
  assert.deepEqual(found, scalars)
  assert.equal(bytes.readFloatLE(header.sections.sketch.offset + 3 * header.sketch_stride + 8), scalars[6])
})

test('float32 tables of 32 dims and more have sketches unless they are left out', (t) => {
  const strideOf = (options: { dims: number; dtype: Dtype; sketch?: boolean }) => {
    const path = join(temporaryDirectory(t), 'items.table')
    return ItemTableWriter.create(path, { ...options, id_kind: 'u64' }).finish().sketch_stride
  }
  assert.equal(strideOf({ dims: 64, dtype: 'float32' }), 64)
  assert.equal(strideOf({ dims: 32, dtype: 'float32' }), 32)
  assert.equal(strideOf({ dims: 64, dtype: 'float16' }), 0)
  assert.equal(strideOf({ dims: 64, dtype: 'float16', sketch: true }), 64)
  assert.equal(strideOf({ dims: 31, dtype: 'float32' }), 0)
  assert.equal(strideOf({ dims: 64, dtype: 'int8' }), 0)
  assert.equal(strideOf({ dims: 64, dtype: 'float32', sketch: false }), 0)
  assert.equal(strideOf({ dims: 3, dtype: 'float32', sketch: true }), 4)
})

test('no sketch takes more cache lines than its bytes need, and none is padded in vain', () => {
  const shape = fc.record({ dims: fc.integer({ min: 1, max: 1024 }), scalars: fc.nat(16) })
  fc.assert(
    fc.property(shape, ({ dims, scalars }) => {
      const bytes = 4 * Math.ceil(dims / 4) + 4 * scalars
      const names = Array.from({ length: scalars }, (_, s) => `s${s}`)
      const stride = sketchStride({ dims, scalars: names, dtype: 'float32', sketch: true })
      const fits = (step: number) =>
        Array.from({ length: 16 }, (_, row) => row * step).every((at) => {
          return Math.floor((at + bytes - 1) / 64) - Math.floor(at / 64) < Math.ceil(bytes / 64)
        })
      assert.ok(stride >= bytes && stride % 4 === 0 && fits(stride), `${stride} for ${bytes}`)
      for (let less = bytes; less < stride; less += 4) assert.ok(!fits(less), `${less} would do for ${bytes}`)
    }),
  )
  const strides = [64, 68, 32, 256].map((bytes) =>
    sketchStride({ dims: bytes, scalars: [], dtype: 'float32', sketch: true }),
  )
  assert.deepEqual(strides, [64, 68, 32, 256])
})
