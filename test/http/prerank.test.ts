import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { OracleEntry, OracleRequest } from '../lib/tiny_oracle.ts'
import { type Answer, startTinyService, type TinyService } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

const TOLERANCE = 1e-4
const candidates = Array.from({ length: 120 }, (_, index) => 1 + 7 * index)

/** Unknown to the table from 300 items on: keys are 1, 8, … 2094. */
const request = {
  query: { text: 'Red Shoes', embedding: [0.5, -0.25, 0.125, 1], features: { length: 9 } },
  user: { id: 'u2', country: 'DE', features: { age: 37 } },
  candidates,
  candidate_features: { bm25: candidates.map((_, index) => (index % 3 ? index / 4 : null)) },
  head_weights: { engagement: 3, save: 1 },
  top_k: 20,
} satisfies OracleRequest & { top_k: number }

function assertRanking({ status, body }: Answer, expected: OracleEntry[]) {
  assert.equal(status, 200, body.detail)
  const scores = new Map(expected.map(({ id, score }) => [id, score]))
  assert.equal(body.ids.length, Math.min(expected.length, body.scores.length))
  Array.from(body.ids).forEach((id, index) => {
    assert.ok(Math.abs(body.scores[index] - scores.get(String(id))!) < TOLERANCE, `score of ${id}`)
    assert.ok(Math.abs(body.scores[index] - expected[index].score) < TOLERANCE, `rank ${index}`)
  })
}

test('the best top_k come back with the scores of the formula, best first', async () => {
  const answer = await service.post(request)
  assertRanking(answer, await service.oracle(request))
  assert.equal(answer.body.ids.length, 20)
  const { name, version, fingerprint } = service.bundle.manifest
  assert.deepEqual(answer.body.model, { name, version, fingerprint })
  assert.deepEqual(answer.body.counts, { candidates: 120, scored: 120, unknown: 0, duplicates: 0 })
  assert.deepEqual(answer.body.degraded, [])
})

test('every part of a request changes the scores as the formula says', async () => {
  const variants: OracleRequest[] = [
    { query: { text: 'straße' }, candidates },
    { query: { text: 'nobody asked this' }, candidates },
    { query: { text: '' }, candidates },
    { ...request, user: { country: 'FR' } },
    { ...request, user: { id: 'Ünï' } },
    { ...request, user: { sequence: [{ item: 8, action: 'save', time: 1_000 }] } },
    { ...request, head_weights: { long_click: 0.01 } },
    { ...request, candidate_features: {} },
  ]
  for (const variant of variants) assertRanking(await service.post(variant), await service.oracle(variant))
})

test('both formats give identical scores, and each its own kind of columns', async () => {
  // Without stored events: their age moves on between two requests.
  const plain = { ...request, user: { country: 'DE', features: { age: 37 } } }
  const typed = {
    ...plain,
    query: { ...request.query, embedding: Float32Array.from(request.query.embedding) },
    candidates: BigUint64Array.from(candidates, BigInt),
    candidate_features: {
      bm25: Float32Array.from(request.candidate_features.bm25, (value) => value ?? Number.NaN),
    },
  }
  const json = await service.post(plain)
  const cbor = await service.post(typed, { cbor: true })
  assert.equal(cbor.headers.get('content-type'), 'application/cbor')
  assert.ok(cbor.body.scores instanceof Float32Array)
  assert.ok(cbor.body.ids instanceof BigUint64Array)
  assert.deepEqual(Array.from(cbor.body.ids, Number), json.body.ids)
  assert.deepEqual(Array.from(cbor.body.scores), json.body.scores)
})

test('over CBOR an item of a sequence may be as wide as a candidate', async () => {
  const event = { item: 2n ** 60n, action: 'save', time: 1_000 }
  const wide = await service.post({ ...request, user: { sequence: [event] } }, { cbor: true })
  assert.equal(wide.status, 200, wide.body.detail)
})

test('the id of a request stands in its error too', async () => {
  const late = await service.post({ ...request, request_id: 'mine', deadline_ms: 0.01 })
  assert.deepEqual([late.status, late.body.request_id, late.headers.get('x-request-id')], [504, 'mine', 'mine'])
  const wrong = await service.post({ ...request, top_k: 0 }, { headers: { 'x-request-id': 'theirs' } })
  assert.deepEqual([wrong.body.request_id, wrong.headers.get('x-request-id')], ['theirs', 'theirs'])
})

test('ids come back as they were sent', async () => {
  const forms: [unknown, boolean][] = [
    [[8, 1], false],
    [['8', '1'], false],
    [[8, '1'], true],
    [Uint32Array.of(8, 1), true],
    [Uint16Array.of(8, 1), true],
    [BigUint64Array.of(8n, 1n), true],
  ]
  for (const [ids, cbor] of forms) {
    const { body } = await service.post({ query: { text: 'red shoes' }, candidates: ids }, { cbor })
    const expected = [...(ids as Iterable<unknown>)].sort()
    assert.deepEqual(Array.from(body.ids).sort(), expected)
    assert.equal(body.ids.constructor, (ids as object).constructor)
  }
})

test('Accept chooses the format of the answer', async () => {
  const wide = { query: { text: 'x' }, candidates: BigUint64Array.of(1n, 2n ** 63n) }
  const json = await service.post(
    { ...wide, explain: { ids: wide.candidates } },
    { cbor: true, headers: { accept: 'application/json' } },
  )
  assert.equal(json.headers.get('content-type'), 'application/json')
  assert.deepEqual(json.body.ids, [1])
  assert.deepEqual(
    json.body.explain.map(({ id }) => id),
    [1, '9223372036854775808'],
  )
  const cbor = await service.post(request, { headers: { accept: 'application/json;q=0.5, application/cbor' } })
  assert.equal(cbor.headers.get('content-type'), 'application/cbor')
  const none = await service.post(request, { headers: { accept: 'text/html' } })
  assert.equal(none.body.code, 'not_acceptable')
})

test('repeated and unknown candidates are counted and left out', async () => {
  const { body } = await service.post({ query: { text: 'x' }, candidates: [1, 8, 1, 5, 8, 6] })
  assert.deepEqual(body.counts, { candidates: 6, scored: 2, unknown: 2, duplicates: 2 })
  assert.deepEqual(Array.from(body.ids).sort(), [1, 8])
})

test('candidates that are all unknown give an empty answer', async () => {
  const { status, body } = await service.post({ query: { text: 'x' }, candidates: [2, 3] })
  assert.equal(status, 200)
  assert.deepEqual([body.ids, body.scores, body.counts.unknown], [[], [], 2])
})

test('head weights matter by their ratio only', async () => {
  const small = await service.post({ ...request, head_weights: { engagement: 0.003, save: 0.001 } })
  const large = await service.post({ ...request, head_weights: { engagement: 3e6, save: 1e6 } })
  assert.deepEqual(small.body.ids, large.body.ids)
})

test('a request id comes back, from the body or the header, and otherwise is made', async () => {
  const fromBody = await service.post({ ...request, request_id: 'r-1' })
  assert.equal(fromBody.body.request_id, 'r-1')
  assert.equal(fromBody.headers.get('x-request-id'), 'r-1')
  const fromHeader = await service.post(request, { headers: { 'x-request-id': 'h-1' } })
  assert.equal(fromHeader.body.request_id, 'h-1')
  const made = await service.post(request)
  assert.match(made.body.request_id, /^[0-9a-f-]{36}$/)
})

test('Server-Timing names every stage', async () => {
  const { headers } = await service.post(request)
  const stages = headers.get('server-timing')!.split(', ')
  assert.deepEqual(
    stages.map((stage) => stage.replace(/;dur=\d+\.\d{3}$/, '')),
    ['decode', 'resolve', 'features', 'tower', 'kernel', 'encode'],
  )
})

test('a gzip body is as good as a plain one', async () => {
  const plain = await service.post(request)
  const zipped = await service.post(gzipSync(JSON.stringify(request)), { headers: { 'content-encoding': 'gzip' } })
  assert.deepEqual(zipped.body.scores, plain.body.scores)
})

test('large bodies in flight together do not see each other', async () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => (index < 300 ? 1 + 7 * index : 1_000_000 + index))
  const bodies = Array.from({ length: 24 }, (_, index) => ({
    query: { text: index % 2 ? 'red shoes' : 'blue bag' },
    candidates: BigUint64Array.from(keys.slice(0, 20_000 - 500 * index), BigInt),
    candidate_features: { bm25: new Float32Array(20_000 - 500 * index).fill(index) },
    top_k: 20,
  }))
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(bodies.map((body) => service.post(body, { cbor: true })))
    for (const [index, answer] of answers.entries()) {
      const candidates = keys.slice(0, 300)
      const bm25 = candidates.map(() => index)
      assertRanking(answer, await service.oracle({ ...bodies[index], candidates, candidate_features: { bm25 } }))
    }
  }
})

test('requests in flight together are answered as one by one', async () => {
  const queries = ['red shoes', 'blue bag', 'straße', 'none']
  const bodies = Array.from({ length: 200 }, (_, index) => ({
    query: { text: queries[index % queries.length] },
    user: { id: `u${index % 3}`, country: index % 2 ? 'DE' : 'US' },
    candidates: candidates.slice(index % 50),
    top_k: 30,
  }))
  const together = await Promise.all(bodies.map((body, index) => service.post(body, { cbor: index % 2 === 0 })))
  for (const [index, body] of bodies.entries()) {
    const alone = await service.post(body)
    // The age of an event is part of the request's time, which moves on between the two.
    assertRanking(
      together[index],
      Array.from(alone.body.ids, (id, rank) => ({ id: `${id}`, score: alone.body.scores[rank] })),
    )
  }
})
