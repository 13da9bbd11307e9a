import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Decoder } from 'cbor-x'
import { enlargeFeatures } from '../../bench/service/enlarge_features.ts'
import { dueTimes } from '../../bench/service/generator.ts'
import { sum } from '../../bench/service/meter.ts'
import { type Catalogue, drawBody, drawHead } from '../../bench/service/workload.ts'
import { readSnapshot, writeSnapshot } from '../../src/store/snapshot.ts'

const catalogue: Catalogue = {
  keys: BigUint64Array.from({ length: 500 }, (_, i) => BigInt(7 * i + 1)),
  queries: Array.from({ length: 1000 }, (_, rank) => `query ${rank}`),
  users: ['u1', 'u2', 'u3'],
  contexts: [
    ['country', ['US', 'DE', 'GB']],
    ['gender', ['f', 'm']],
  ],
  caller_columns: ['bm25'],
}

test('both formats of a body say the same', () => {
  const { json, cbor } = drawBody(catalogue, { candidates: 300, top_k: 10, seed: 3 })
  const decoded = new Decoder({ useRecords: false, mapsAsObjects: true }).decode(cbor)
  const ids = Array.from(decoded.candidates as BigUint64Array, Number)
  const bm25 = Array.from(decoded.candidate_features.bm25 as Float32Array, (value) => Math.round(100 * value) / 100)
  assert.deepEqual(JSON.parse(json.toString()), { ...decoded, candidates: ids, candidate_features: { bm25 } })
  assert.equal(new Set(ids).size, 300)
})

test('a user keeps country and gender, and users differ', () => {
  const users = Array.from({ length: 300 }, (_, seed) => drawHead(catalogue, { top_k: 1, seed }).user)
  const contexts = new Set(users.map((user) => JSON.stringify(user)))
  assert.deepEqual(new Set(users.map(({ id }) => id)).size, 3)
  assert.equal(contexts.size, 3)
  assert.ok(users.every(({ country, gender }) => country && gender))
})

test('queries follow a Zipf law', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 20_000; seed++) {
    const { text } = drawHead(catalogue, { top_k: 1, seed }).query
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const share = (rank: number) => (counts.get(`query ${rank}`) ?? 0) / 20_000
  // 1 / ln(1001) of the mass lies on the first e-fold; the first query has ln 2 of it.
  assert.ok(Math.abs(share(0) - Math.LN2 / Math.log(1001)) < 0.01, `${share(0)}`)
  assert.ok(share(0) > 1.5 * share(1) && share(1) > 2 * share(5))
})

test('Poisson arrivals have the rate that was asked for, and gaps that differ', () => {
  const due = dueTimes({ rate_per_s: 500, duration_ms: 20_000, arrivals: 'poisson' })
  const gaps = Array.from(due, (ms, i) => ms - (due[i - 1] ?? 0))
  const mean = due[due.length - 1] / due.length
  const deviation = Math.sqrt(gaps.reduce((total, gap) => total + (gap - mean) ** 2, 0) / gaps.length)
  assert.equal(due.length, 10_000)
  assert.ok(Math.abs(mean - 2) < 0.1, `${mean} ms`)
  // Of an exponential distribution, the mean and the standard deviation are the same.
  assert.ok(Math.abs(deviation / mean - 1) < 0.05, `${deviation} ms`)
  assert.ok(gaps.every((gap) => gap >= 0))
})

test('copies of queries have blobs of their own; tokens, sequences and hashed queries stay as they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prerank-'))
  try {
    const value = Uint8Array.of(1, 2, 3)
    const keys = ['iqp:all:{#00ff}', 'iqp:all:{a}', 'iqp:all:{a b}', 'iqp:country=DE:{a}', 'iqp:token:{a}'].sort()
    await writeSnapshot(
      join(folder, 'counts.snapshot'),
      keys.map((key) => ({ key, value })),
    )
    await enlargeFeatures({ features: folder, queries: 9 })
    const found: string[] = []
    for await (const record of readSnapshot(join(folder, 'counts.snapshot'))) found.push(record.key)
    const expected = [...keys, 'iqp:all:{a 2}', 'iqp:all:{a 3}', 'iqp:all:{a b 2}', 'iqp:all:{a b 3}']
    expected.push('iqp:country=DE:{a 2}', 'iqp:country=DE:{a 3}')
    assert.deepEqual(found, expected.sort())
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a counter is summed over its labels', () => {
  const text =
    '# HELP reads_total x\nreads_total{outcome="hit"} 3\nreads_total{outcome="miss"} 1\nreads_total_other 9\ncpu 1.5'
  assert.deepEqual([sum(text, 'reads_total'), sum(text, 'reads_total', 'outcome="hit"'), sum(text, 'cpu')], [4, 3, 1.5])
})
