import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type BundleOptions, openBundle } from '../../src/bundle/bundle.ts'
import { decodeEvents, encodeEvents } from '../../src/features/sequence.ts'
import type { StoredFeatures } from '../../src/features/stored.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

const scratch = mkdtempSync(join(tmpdir(), 'prerank-bundle-'))
after(() => rmSync(scratch, { recursive: true }))

const good = await writeTinyBundle(join(scratch, 'good'))
const tower = { threads: 1, intra_op_threads: 1, batch_max: 4, wait_ms_max: 0, queue_max: 10 }
const nothing: StoredFeatures = { sequence: null, blobs: [], embedding: null, lost: [], problems: [] }

/** A copy of the good bundle with something done to it. */
function damaged(name: string, damage: (directory: string) => void): string {
  const directory = join(scratch, name)
  cpSync(good.directory, directory, { recursive: true })
  damage(directory)
  return directory
}

async function refused(directory: string, message: RegExp, options: BundleOptions = { tower }): Promise<void> {
  await assert.rejects(openBundle(directory, options), message)
}

test('a whole bundle opens and runs its tower on a request', async () => {
  const bundle = await openBundle(good.directory, { tower })
  try {
    const request = { query: { text: 'red shoes' }, candidates: { keys: new BigUint64Array() } }
    const vectors = await bundle.tower.run(bundle.queryInputs({ request, stored: nothing, now_ms: good.now_ms }))
    assert.equal(vectors.length, bundle.manifest.heads.length * bundle.manifest.dims)
    const norm = Math.hypot(...vectors.subarray(0, bundle.manifest.dims))
    assert.ok(Math.abs(norm - 1) < 1e-5, `head vector of length ${norm}`)
    assert.equal(bundle.formula.layers[0].weights.length, 7)
  } finally {
    await bundle.close()
  }
})

test('the sequence is read newest first, without items that the table lacks, whoever sends it', async () => {
  const bundle = await openBundle(good.directory, { tower })
  try {
    const [a, b] = good.items
    const candidates = { keys: new BigUint64Array() }
    const time_ms = [good.now_ms - 5000, good.now_ms - 3000, good.now_ms + 9000]
    const keys = [a.key, 424_242n, b.key]
    const sequence = keys.map((item, index) => ({ item, action: 'save', time: time_ms[index] }))
    const inline = { query: { text: 'x' }, user: { sequence }, candidates }
    const newest_first = keys.map((key, index) => ({ key, action: 2, time_ms: time_ms[index] })).reverse()
    const bytes = encodeEvents(newest_first)

    const stored = { ...nothing, sequence: decodeEvents(bytes) }
    const of = (name: string, feed: ReturnType<typeof bundle.queryInputs>) =>
      [...feed[bundle.manifest.query_tower.inputs.findIndex((input) => input.name === name)]].slice(0, 3)
    const from_request = bundle.queryInputs({ request: inline, stored: nothing, now_ms: good.now_ms })
    const from_store = bundle.queryInputs({
      request: { query: { text: 'x' }, candidates },
      stored,
      now_ms: good.now_ms,
    })
    for (const feed of [from_request, from_store]) {
      assert.deepEqual(of('sequence_mask', feed), [1, 1, 0])
      assert.deepEqual(of('sequence_action', feed), [2, 2, 0])
      assert.deepEqual(of('sequence_age', feed), [0, 5, 0])
      assert.deepEqual(of('sequence_content', feed), [...b.content].slice(0, 3))
    }
  } finally {
    await bundle.close()
  }
})

test('an int8 tower whose scales depend on the batch runs one request at a time, one with scales per row shares runs', async () => {
  const batchRows = async (directory: string) => {
    const rows: number[] = []
    const onBatch = (batch: { rows: number }) => rows.push(batch.rows)
    const bundle = await openBundle(directory, { precision: 'int8', tower: { ...tower, onBatch } })
    try {
      const request = { query: { text: 'red shoes' }, candidates: { keys: new BigUint64Array() } }
      const feed = bundle.queryInputs({ request, stored: nothing, now_ms: 0 })
      await Promise.all([1, 2, 3].map(() => bundle.tower.run(feed)))
      return rows
    } finally {
      await bundle.close()
    }
  }
  assert.deepEqual(await batchRows(good.directory), [1, 1, 1])
  const by_row = await writeTinyBundle(join(scratch, 'by_row'), { int8_scales: 'row' })
  assert.deepEqual(await batchRows(by_row.directory), [3])
})

test('a changed, missing or swapped model file is refused by name', async () => {
  const changed = damaged('changed', (directory) => writeFileSync(join(directory, 'query_tower.onnx'), 'else'))
  await refused(changed, /query_tower.onnx: found SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/)
  const missing = damaged('missing', (directory) => {
    rmSync(join(directory, 'golden.json'))
    rmSync(join(directory, 'item_tower.onnx'))
  })
  await refused(missing, /2 problems\n.*(item_tower.onnx|golden.json): found ENOENT/)
})

test('an item table of another bundle, a damaged or a missing one is refused', async () => {
  const other = await writeTinyBundle(join(scratch, 'other'), { id_kind: 'string', version: '2' })
  const swapped = damaged('swapped', (directory) => {
    cpSync(join(other.directory, 'items.table'), join(directory, 'items.table'))
  })
  await refused(
    swapped,
    /items.table: fingerprint: found [0-9a-f]{64}, expected [0-9a-f]{64} as in the manifest\n.*id_kind: found string, expected u64/,
  )
  const flipped = damaged('flipped', (directory) => {
    const path = join(directory, 'items.table')
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1] ^= 1
    writeFileSync(path, bytes)
  })
  await refused(flipped, /items.table/)
  await refused(
    damaged('cut', (directory) => truncateSync(join(directory, 'items.table'), 5000)),
    /items.table/,
  )
  await refused(
    damaged('none', (directory) => rmSync(join(directory, 'items.table'))),
    /items.table: found no file, expected an item table; `prerank items build` makes it/,
  )
})

test('a directory that is no bundle is refused', async () => {
  await refused(join(scratch, 'nowhere'), /ENOENT.*manifest.json/)
})
