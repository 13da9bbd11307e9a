import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { textNgrams } from '../../src/features/text.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { buildItems, type ItemsOptions } from '../../src/jobs/items/build.ts'
import { silentProgress } from '../../src/jobs/run/progress.ts'
import { type TinyBundle, writeTinyBundle } from '../lib/tiny_bundle.ts'
import type { TinyOptions } from '../lib/tiny_manifest.ts'
import { duck, quietJob, RESOURCES, testFolder } from './support.ts'

type Setting = {
  bundle: TinyBundle
  folder: string
  build(changes?: Partial<ItemsOptions>): ReturnType<typeof buildItems>
}

async function setting(t: TestContext, items: string, options: TinyOptions = {}): Promise<Setting> {
  const folder = await testFolder(t)
  const bundle = await writeTinyBundle(join(folder, 'bundle'), options)
  const path = join(folder, items.trimStart().startsWith('{') ? 'items.jsonl' : 'items.csv')
  await writeFile(path, items)
  return {
    bundle,
    folder,
    build: (changes) =>
      buildItems({
        directory: bundle.directory,
        manifest: bundle.manifest,
        items: path,
        renamed: new Map(),
        vectors: { from: 'tower' },
        output: join(folder, 'items.table'),
        bad_share_max: 0,
        resources: RESOURCES,
        job: quietJob(),
        ...changes,
      }),
  }
}

const HEADER = 'item,title,price,popularity'
const manyItems = (count: number) =>
  [
    HEADER,
    ...Array.from({ length: count }, (_, n) => `${n + 1},"Shoe ${n}, ${n % 7} red",${n % 50},${n % 11 === 0 ? '' : n}`),
  ].join('\n')

function readItem(path: string, key: bigint) {
  const table = ItemTable.open(path, { checksums: true })
  const rows = table.rowsOf(BigUint64Array.of(key))
  const vector = new Float32Array(table.info.dims)
  const content = new Float32Array(table.info.content_dims)
  const scalars = new Float32Array(table.info.scalars.length)
  table.readVectors(rows, vector)
  table.readContent(rows, content)
  table.readScalars(rows, scalars)
  const { info } = table
  table.close()
  return { vector, content, scalars, info }
}

function assertClose(found: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(found.length, expected.length)
  for (const [at, value] of found.entries()) assert.ok(Math.abs(value - expected[at]) <= tolerance, `${value} at ${at}`)
}

test('every row holds what the item tower gives for its item', async (t) => {
  const { bundle, folder, build } = await setting(t, manyItems(600))
  const result = await build()
  assert.deepEqual(
    { items: result.items, rejected: result.catalogue.rejected, missing: result.missing },
    { items: 600, rejected: 0, missing: [] },
  )
  const session = await InferenceSession.create(join(bundle.directory, 'item_tower.onnx'))
  for (const n of [0, 255, 256, 599]) {
    const title = textNgrams(`Shoe ${n}, ${n % 7} red`, {
      buckets: 64,
      length: 8,
      word_ngrams: [1, 2],
      char_ngrams: [3],
    })
    const output = await session.run({
      title_tokens: new Tensor('int32', title, [1, 8]),
      numbers: new Tensor('float32', Float32Array.of((n % 50) * 0.1), [1, 1]),
    })
    const found = readItem(join(folder, 'items.table'), BigInt(n + 1))
    const expected = output.vector.data as Float32Array
    assertClose(found.vector, expected, 1e-5)
    // The table keeps content in half precision.
    assertClose(found.content, output.content.data as Float32Array, 2e-3)
    assert.deepEqual([...found.scalars], [n % 11 === 0 ? Number.NaN : n])
    assert.equal(found.info.fingerprint, bundle.manifest.fingerprint)
  }
  await session.release()
})

test('sketches are made where they pay or are asked for, and change nothing else', async (t) => {
  const { folder, build } = await setting(t, manyItems(50))
  const built = async (sketch?: boolean) => {
    await build({ sketch })
    const { info, ...item } = readItem(join(folder, 'items.table'), 7n)
    return { sketch_bytes: info.sketch_bytes, item }
  }
  const [usual, asked_for, left_out] = [await built(), await built(true), await built(false)]
  assert.deepEqual(usual, left_out)
  assert.deepEqual(asked_for, { ...usual, sketch_bytes: 16 })
})

test('an interrupted build goes on where it stopped and gives the same bytes', async (t) => {
  const { folder, build } = await setting(t, manyItems(20_000))
  const output = join(folder, 'items.table')
  await build()
  const whole = await readFile(output)
  const again = join(folder, 'again.table')
  const controller = new AbortController()
  const progress = {
    ...silentProgress(),
    step: () => ({ advance: (done: number) => done > 9000 && controller.abort(new Error('stop')), finish() {} }),
  }
  await assert.rejects(build({ output: again, job: { signal: controller.signal, progress } }), /stop/)
  assert.ok(!existsSync(again))
  const parts = (await readdir(join(`${again}.work`, 'parts'))).filter((name) => name !== 'identity')
  assert.ok(parts.length >= 3, `${parts.length} parts`)
  await build({ output: again })
  assert.ok((await readFile(again)).equals(whole))
  assert.ok(!existsSync(`${again}.work`))
})

test('parts of another catalogue are not used', async (t) => {
  const { folder, build } = await setting(t, manyItems(9000))
  const output = join(folder, 'items.table')
  const controller = new AbortController()
  const progress = {
    ...silentProgress(),
    step: () => ({ advance: () => controller.abort(new Error('stop')), finish() {} }),
  }
  await assert.rejects(build({ job: { signal: controller.signal, progress } }), /stop/)
  await writeFile(join(folder, 'items.csv'), manyItems(9000).replaceAll('red', 'blue'))
  await build()
  const resumed = await readFile(output)
  await build()
  assert.ok((await readFile(output)).equals(resumed))
})

test('rows that are no items are reported with where they stand and why', async (t) => {
  const lines = [HEADER, '1,a,1,1', ',b,1,1', '-4,c,1,1', '2,d,cheap,1', '1,e,1,1', '3,f,1,inf', '4,g,,']
  const { build } = await setting(t, lines.join('\n'))
  const result = await build({ bad_share_max: 0.8 })
  assert.equal(result.items, 2)
  const found = result.catalogue.rejections.map(({ reason, samples }) => `${reason}: ${samples}`).sort()
  assert.deepEqual(found, [
    'item is missing: row 2',
    'item is not an unsigned 64-bit number: row 3, item -4',
    'item is there already: row 5, item 1',
    'popularity holds Infinity, expected a finite number: row 6, item 3',
    'price holds "cheap", expected a number: row 4, item 2',
  ])
})

test('above the allowed share the build stops and leaves the old table', async (t) => {
  const { folder, build } = await setting(t, `${HEADER}\n1,a,1,1\n,b,1,1`)
  const output = join(folder, 'items.table')
  await writeFile(output, 'the old one')
  await assert.rejects(
    build({ bad_share_max: 0.4 }),
    /1 of 2 rows rejected \(50\.00 %\).*item is missing.*nothing was written/s,
  )
  assert.equal(await readFile(output, 'utf8'), 'the old one')
  assert.deepEqual((await readdir(folder)).sort(), ['bundle', 'items.csv', 'items.table'])
})

test('texts may be stored as bytes, and those that are no text are rejected', async (t) => {
  const { folder, build } = await setting(t, manyItems(1))
  const title = (bytes: string) => `SELECT range AS item, ${bytes} AS title, 5 AS price, 9 AS popularity FROM range(3)`
  const [texts, bytes] = [join(folder, 'texts.parquet'), join(folder, 'bytes.parquet')]
  await duck(`COPY (${title("'Café ' || range")}) TO '${texts}'`)
  await duck(`COPY (${title("CASE range WHEN 2 THEN '\\xC3('::BLOB ELSE encode('Café ' || range) END")}) TO '${bytes}'`)
  await build({ items: texts })
  const expected = readItem(join(folder, 'items.table'), 1n)
  const result = await build({ items: bytes, bad_share_max: 0.5 })
  assert.deepEqual(readItem(join(folder, 'items.table'), 1n).vector, expected.vector)
  assert.deepEqual(result.catalogue.rejections, [
    { reason: 'title holds "\\\\xC3(", expected a text', rows: 1, samples: ['row 3, item 2'] },
  ])
})

test('a list is no text', async (t) => {
  const { folder, build } = await setting(t, manyItems(1))
  const items = join(folder, 'items.parquet')
  await duck(`COPY (SELECT 1 AS item, ['a', 'b'] AS title, 5 AS price, 9 AS popularity) TO '${items}'`)
  await assert.rejects(build({ items }), /column "title" has type VARCHAR\[\], expected text or whole numbers/)
})

test('columns have other names, or are not there', async (t) => {
  const { folder, build } = await setting(
    t,
    '{"id": 7, "name": "red shoe", "popularity": 3}\n{"id": "8", "name": null}',
  )
  const renamed = new Map([
    ['item', 'id'],
    ['title', 'name'],
  ])
  const result = await build({ renamed })
  assert.deepEqual(result.missing, ['price'])
  assert.deepEqual([...readItem(join(folder, 'items.table'), 7n).scalars], [3])
  assert.deepEqual([...readItem(join(folder, 'items.table'), 8n).scalars], [Number.NaN])
})

test('string ids keep their text', async (t) => {
  const { folder, build } = await setting(t, `${HEADER}\nsku-1,a,1,1\n"Größe, 2",b,1,1`, { id_kind: 'string' })
  await build()
  const table = ItemTable.open(join(folder, 'items.table'))
  assert.deepEqual(table.idsOf(Uint32Array.of(0, 1)), ['sku-1', 'Größe, 2'])
  table.close()
})

function npy(rows: number[][]): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows.length}, ${rows[0].length}), }`.padEnd(117)
  const header = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([118, 0]),
    Buffer.from(`${text}\n`),
  ])
  return Buffer.concat([header, Buffer.from(Float32Array.from(rows.flat()).buffer)])
}

test('ready vectors come from .npy files, row by row of the catalogue, rejected rows included', async (t) => {
  const { folder, build } = await setting(t, `${HEADER}\n1,a,1,1\n,b,1,1\n3,c,1,1`)
  const vectors = join(folder, 'vectors.npy')
  const content = join(folder, 'content.npy')
  await writeFile(vectors, npy([0, 1, 2].map((row) => Array.from({ length: 8 }, (_, at) => row + at / 8))))
  await writeFile(content, npy([0, 1, 2].map((row) => [row, 0, 0, 0.5])))
  await build({ vectors: { from: 'npy', path: vectors, content }, bad_share_max: 0.5 })
  const found = readItem(join(folder, 'items.table'), 3n)
  assert.deepEqual(
    [...found.vector],
    Array.from({ length: 8 }, (_, at) => 2 + at / 8),
  )
  assert.deepEqual([...found.content], [2, 0, 0, 0.5])
  await assert.rejects(build({ vectors: { from: 'npy', path: vectors, content: null } }), /content embeddings/)
  await writeFile(vectors, npy([[1, 2, 3, 4, 5, 6, 7, 8]]))
  await assert.rejects(build({ vectors: { from: 'npy', path: vectors, content } }), /found 1 × 8, expected 3 × 8/)
})

test('ready vectors come from a column, and rows without a whole one are rejected', async (t) => {
  const { bundle, folder, build } = await setting(t, HEADER)
  const items = join(folder, 'items.parquet')
  await duck(
    `COPY (SELECT * FROM (VALUES (1, 5.0, [1, 2, 3, 4, 5, 6, 7, 8]::FLOAT[]), (2, 5.0, [1]::FLOAT[]), (3, NULL, NULL)) AS v (item, popularity, emb)) TO '${items}'`,
  )
  const manifest = { ...bundle.manifest, items: { ...bundle.manifest.items, content: undefined } }
  const result = await build({ items, manifest, vectors: { from: 'column', name: 'emb' }, bad_share_max: 0.7 })
  assert.equal(result.items, 1)
  assert.deepEqual(result.catalogue.rejections.map(({ reason }) => reason).sort(), [
    'emb has 1 numbers, expected 8',
    'emb is missing, expected 8 numbers',
  ])
  assert.deepEqual([...readItem(join(folder, 'items.table'), 1n).vector], [1, 2, 3, 4, 5, 6, 7, 8])
})
