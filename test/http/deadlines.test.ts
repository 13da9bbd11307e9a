/** Deadlines over HTTP, with a Redis that is paused where the store has to be slow. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadRedis } from '../lib/load_redis.ts'
import { connectTo, headOf } from '../lib/raw_request.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { tinyOracle } from '../lib/tiny_oracle.ts'
import { type Answer, startTinyService, type TinyService } from '../lib/tiny_service.ts'

const HEADER = 'x-request-deadline-ms'
/** What a busy machine may add; the quickest of some tries has to be far better. */
const SLACK_MS = 1500
const TRIES = 5
const PUNCTUAL_MS = 25

let redis: TestRedis
let service: TinyService
before(async () => {
  redis = await startRedis({ own: true })
  service = await startTinyService({
    // A deadline that did not count would leave the store its own.
    environment: { REDIS_URL: redis.url, STORE_DEADLINE_MS: '5000', DEADLINE_MS: '30000', BLOB_CACHE_BYTES: '0' },
  })
  await loadRedis(redis.url, service.bundle.records)
  while ((await service.post(request)).body.degraded.length > 0) await sleep(20)
})
after(async () => {
  await service.stop()
  await redis.stop()
})
afterEach(() => redis.resume())

const candidates = Array.from({ length: 100 }, (_, index) => 1 + 7 * index)
const request = { query: { text: 'red shoes' }, user: { id: 'u1', country: 'DE' }, candidates, top_k: 15 }

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; took_ms: number }> {
  const start_ms = performance.now()
  const result = await work()
  return { result, took_ms: performance.now() - start_ms }
}

/** The first answer that is not too late: a busy machine may need longer for scoring than was kept back. */
async function answered(post: () => Promise<Answer>) {
  for (let turn = 1; ; turn++) {
    const outcome = await timed(post)
    if (outcome.result.status !== 504 || turn === TRIES) return outcome
  }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.split(' ')[1] ?? 0)
}

test('with time enough nothing is given up', async () => {
  const { body } = await service.post({ ...request, deadline_ms: 20_000 }, { headers: { [HEADER]: '30000' } })
  assert.deepEqual([body.degraded, body.degraded_reasons], [[], undefined])
})

const SMALLER: [string, number | undefined, string | undefined][] = [
  ['the field alone', 400, undefined],
  ['the header alone', undefined, '400'],
  ['the field where it is smaller', 400, '30000'],
  ['the header where it is smaller', 30_000, '400.5'],
]
for (const [name, field, header] of SMALLER) {
  test(`a slow store is given up in time to score: ${name} counts`, async () => {
    redis.pause()
    const body = { ...request, deadline_ms: field }
    const { result, took_ms } = await answered(() =>
      service.post(body, { headers: header === undefined ? {} : { [HEADER]: header } }),
    )
    assert.equal(result.status, 200, result.body.detail)
    assert.ok(took_ms < 400 + SLACK_MS, `${took_ms} ms`)
    assert.ok(result.body.degraded.includes('sequence'))
    for (const feature of result.body.degraded) assert.equal(result.body.degraded_reasons?.[feature], 'deadline')
    const nothing = { ...service.bundle, counts: new Map(), sequences: new Map() }
    const expected = await (await tinyOracle(nothing))(request, Date.now())
    assert.deepEqual(
      Array.from(result.body.ids),
      expected.slice(0, 15).map(({ id }) => Number(id)),
    )
    assert.ok((await metric('prerank_degraded_total{feature="sequence",reason="deadline"}')) > 0)
  })
}

test('a body that does not come in time is 504 at the deadline, and its connection serves the next request', async () => {
  const connection = connectTo(service.url)
  const text = JSON.stringify(request)
  const times_ms: number[] = []
  for (let turn = 0; turn < TRIES; turn++) {
    connection.write(headOf(text.length, { [HEADER]: '200' }) + text.slice(0, 20))
    const late = await connection.answer()
    times_ms.push(late.took_ms)
    assert.deepEqual([late.status, JSON.parse(late.body).code], [504, 'deadline_exceeded'])
    assert.match(late.headers, /content-type: application\/problem\+json/)
    connection.write(text.slice(20) + headOf(text.length) + text)
    assert.equal((await connection.answer()).status, 200)
  }
  connection.close()
  assert.ok(Math.min(...times_ms) > 195 && Math.min(...times_ms) < 200 + PUNCTUAL_MS, `${times_ms} ms`)
  assert.ok((await metric('prerank_dropped_total{reason="deadline_exceeded",stage="receive"}')) > 0)
})

test('no time at all is 504, without an answer afterwards', async () => {
  for (const [body, headers] of [
    [{ ...request, deadline_ms: 0.001 }, {}],
    [request, { [HEADER]: '0.001' }],
  ] as const) {
    const answer = await service.post(body, { headers })
    assert.deepEqual([answer.status, answer.body.code], [504, 'deadline_exceeded'])
  }
  assert.equal((await service.post(request)).status, 200)
})

test('a header that is no number of milliseconds is refused by name', async () => {
  for (const value of ['0', '-1', 'soon', '60001', '1e5', '', '5, 6']) {
    const { status, body } = await service.post(request, { headers: { [HEADER]: value } })
    assert.deepEqual([status, body.code, body.field], [400, 'invalid_field', HEADER], value)
    assert.match(body.expected, /above 0 up to 60000/)
  }
})

test('a client that goes away while the store is slow has nothing scored', async () => {
  const dropped = 'prerank_dropped_total{reason="client_gone",stage="features"}'
  const scored = await metric('prerank_candidates_total{outcome="scored"}')
  redis.pause()
  const leaving = new AbortController()
  const gone = service.post(request, { signal: leaving.signal })
  await sleep(300)
  leaving.abort()
  await assert.rejects(gone)
  const end_ms = Date.now() + 5000
  while ((await metric(dropped)) === 0 && Date.now() < end_ms) await sleep(20)
  redis.resume()
  assert.equal(await metric(dropped), 1)
  await sleep(100)
  assert.equal(await metric('prerank_candidates_total{outcome="scored"}'), scored)
  assert.equal(await metric('prerank_candidates_in_flight'), 0)
})
