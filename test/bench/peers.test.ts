import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { expectAgreement } from '../../bench/peers/agreement.ts'
import { HASH_PREFIX, loadFeatures, PREFIX } from '../../bench/peers/features.ts'
import { crossFeatures, readCounts } from '../../bench/peers/node/hash_counts.ts'
import { type Running, startProcess } from '../../bench/peers/process.ts'
import { rowsOf } from '../../bench/peers/report.ts'
import { SIDES } from '../../bench/peers/sides.ts'
import { summarise } from '../../bench/service/summary.ts'
import { readPlanner } from '../../src/features/plan.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { freePort } from '../lib/redis_process.ts'
import { type TinyBundle, writeTinyBundle } from '../lib/tiny_bundle.ts'
import { post } from '../lib/tiny_service.ts'

let store: TestRedis
let redis: Redis
let bundle: TinyBundle

before(async () => {
  bundle = await writeTinyBundle(await mkdtemp(join(tmpdir(), 'prerank-')))
  store = await startRedis()
  redis = new Redis(store.url)
  await loadFeatures({ bundle: bundle.directory, redis_url: store.url })
})
after(async () => {
  redis?.disconnect()
  await store?.stop()
  await rm(bundle.directory, { recursive: true })
})

test('Redis holds sequences and blobs as they are, and every blob once more as a hash', async () => {
  for (const [key, value] of bundle.records) {
    const stored = key.startsWith('seq:')
      ? Buffer.concat(await redis.lrangeBuffer(PREFIX + key, 0, -1))
      : await redis.getBuffer(PREFIX + key)
    assert.deepEqual(stored, Buffer.from(value), key)
  }
  for (const [key, { totals, items }] of bundle.counts) {
    const fields = await redis.hgetallBuffer(HASH_PREFIX + key)
    const found = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.toString('hex')]))
    const expected = items.map((item) => [`${item.key}`, hex(Uint32Array.from(item.counts))])
    assert.deepEqual(found, { totals: hex(Float64Array.from(totals)), ...Object.fromEntries(expected) }, key)
  }
})

test('hashes give the cross features that the definition gives', async () => {
  const { manifest, counts, items } = bundle
  const request = { query: { text: 'Red shoes' }, user: { id: 'u1', country: 'DE' }, candidates: { ids: [] } }
  const ids = items.slice(0, 50).map(({ id }) => Number(id))
  const { sequence, hashes } = await readCounts(redis, readPlanner(manifest)(request), ids)
  assert.deepEqual(
    Array.from(sequence.keys),
    bundle.sequences.get('u1')?.map(({ key }) => key),
  )
  const keys: Record<string, string[]> = {
    all: ['iqp:all:{red shoes}'],
    country: ['iqp:country=DE:{red shoes}'],
    token: ['iqp:token:{red}', 'iqp:token:{shoes}'],
  }
  const expected = manifest.cross_features.flatMap(({ segment, column, prior }) => {
    const at = manifest.counts.columns.findIndex(({ name }) => name === column)
    const parts = keys[segment].map((key) => counts.get(key) ?? assert.fail(key))
    const total = parts.reduce((sum, { totals }) => sum + totals[at], prior)
    const countOf = (id: number) => (part: (typeof parts)[0]) =>
      part.items.find(({ key }) => key === BigInt(id))?.counts[at] ?? 0
    return ids.map((id) => parts.map(countOf(id)).reduce((sum, count) => sum + count) / total)
  })
  const found = crossFeatures(manifest, hashes, ids.length)
  assert.equal(found.length, expected.length)
  for (const [i, value] of found.entries()) assert.ok(Math.abs(value - expected[i]) < 1e-7, `${i}: ${value}`)
})

test('a side whose answers differ is refused before anything is timed', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => i)
  const shifted = (by: number) => ids.map((id) => id + by)
  assert.equal(expectAgreement('same', [ids, ids], [ids.toReversed(), ids]), 1)
  assert.equal(expectAgreement('near', [shifted(10)], [ids]), 0.99)
  assert.throws(() => expectAgreement('far', [ids, shifted(11)], [ids, ids]), /far: .*1\.000, 0\.989, expected 0\.99/)
})

test('ratios are our median throughput over theirs, for each of our formats', () => {
  const measured = (side: string, format: 'json' | 'cbor', rates: number[]) => ({
    side,
    format,
    candidates: 100,
    summaries: rates.map((rate) => ({
      ...summarise({ answers: [], failures: [], late_ms: new Float64Array(), elapsed_ms: 1 }),
      requests_per_s: rate,
    })),
  })
  const rows = rowsOf([
    measured('prerank', 'json', [90, 500, 100]),
    measured('prerank', 'cbor', [400]),
    measured('node', 'json', [10, 25, 30]),
  ])
  assert.deepEqual(
    rows.map(({ side, requests_per_s, prerank_over }) => ({ side, requests_per_s, prerank_over })),
    [
      { side: 'prerank', requests_per_s: 100, prerank_over: { json: 1, cbor: 4 } },
      { side: 'prerank', requests_per_s: 400, prerank_over: { json: 0.25, cbor: 1 } },
      { side: 'node', requests_per_s: 25, prerank_over: { json: 4, cbor: 16 } },
    ],
  )
})

test('the echo answers the first candidates in both formats, and ends when it is stopped', async () => {
  const echo = SIDES.find(({ name }) => name === 'echo') ?? assert.fail()
  const port = await freePort()
  const setting = { bundle: bundle.directory, redis_url: store.url, python: '', graph: '', port }
  const running: Running = await startProcess(echo.command(setting), port)
  try {
    const url = `${running.url}/v1/prerank`
    const json = await post(url, { query: { text: 'x' }, candidates: [5, 4, 3], top_k: 2 })
    const cbor = await post(url, { candidates: BigUint64Array.of(5n, 4n, 3n), top_k: 2 }, { cbor: true })
    assert.deepEqual(json.body.ids, [5, 4])
    assert.deepEqual(cbor.body.ids, BigUint64Array.of(5n, 4n))
    assert.equal(cbor.body.scores.length, 2)
  } finally {
    await running.stop()
  }
  await assert.rejects(fetch(`${running.url}/healthz`))
})

const hex = (values: Uint32Array | Float64Array) => Buffer.from(values.buffer).toString('hex')
