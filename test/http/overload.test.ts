/** What is refused when there is too much, how fast, and that it ends by itself. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { writeKeyFile } from '../lib/key_file.ts'
import { loadRedis } from '../lib/load_redis.ts'
import { connectTo, headOf } from '../lib/raw_request.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { type Answer, startTinyService, type TinyService } from '../lib/tiny_service.ts'

const MIB = 2 ** 20

let redis: TestRedis
let service: TinyService
before(async () => {
  redis = await startRedis({ own: true })
  service = await startTinyService({
    environment: {
      REDIS_URL: redis.url,
      STORE_DEADLINE_MS: '1500',
      BLOB_CACHE_BYTES: '0',
      CANDIDATES_IN_FLIGHT_MAX: '150',
      BODY_BYTES_IN_FLIGHT_MAX: `${MIB}`,
    },
  })
  await loadRedis(redis.url, service.bundle.records)
  while ((await service.post(requestOf(10))).body.degraded.length > 0) await sleep(20)
})
after(async () => {
  await service.stop()
  await redis.stop()
})
afterEach(() => redis.resume())

const requestOf = (candidates: number) => ({
  query: { text: 'red shoes' },
  user: { id: 'u1', country: 'DE' },
  candidates: Array.from({ length: candidates }, (_, index) => 1 + 7 * index),
})

async function shed(reason: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(new RegExp(`prerank_shed_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
}

function assertRefused({ status, body, headers }: Answer) {
  assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'overloaded', '1'])
}

test('candidates in flight are limited, however few requests they are in; small ones still come in', async () => {
  redis.pause()
  const held = service.post(requestOf(100))
  await sleep(200)
  const start_ms = performance.now()
  assertRefused(await service.post(requestOf(90)))
  assert.ok(performance.now() - start_ms < 1000, 'at once, not after the store')
  const small = service.post(requestOf(20))
  await sleep(100)
  redis.resume()
  assert.equal((await small).status, 200)
  assert.equal((await held).status, 200)
  assert.equal((await service.post(requestOf(90))).status, 200, 'it ends by itself')
  assert.equal((await service.post(requestOf(180))).status, 200, 'alone, it may be larger than the limit')
  assert.ok((await shed('candidates')) > 0)
})

test('bodies in flight are limited in bytes; the next one is refused before it is sent', async () => {
  const text = JSON.stringify(requestOf(10)).padEnd(0.9 * MIB)
  const [slow, other] = [connectTo(service.url), connectTo(service.url)]
  slow.write(headOf(text.length) + text.slice(0, 1000))
  await sleep(200)
  other.write(headOf(text.length))
  const refused = await other.answer()
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'overloaded'])
  assert.match(refused.headers, /retry-after: 1/)
  slow.write(text.slice(1000))
  assert.equal((await slow.answer()).status, 200)
  other.write(text + headOf(text.length) + text)
  assert.equal((await other.answer()).status, 200, 'the refused body was read and dropped')
  slow.close()
  other.close()
  assert.ok((await shed('bytes')) > 0)
})

test('a gzip body takes the memory that it needs, not what it might', async () => {
  const own = await startTinyService({ environment: { BODY_BYTES_IN_FLIGHT_MAX: `${MIB}` } })
  const body = gzipSync(JSON.stringify(requestOf(3)))
  const headers = { 'content-encoding': 'gzip' }
  const answers = await Promise.all(Array.from({ length: 16 }, () => own.post(body, { headers })))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  await own.stop()
})

test('a body that waits for our consent is asked for, or refused before it is sent', async () => {
  const text = JSON.stringify(requestOf(10))
  const expect = { expect: '100-continue' }
  const polite = connectTo(service.url)
  polite.write(headOf(text.length, expect))
  assert.equal((await polite.answer()).status, 100)
  polite.write(text)
  assert.equal((await polite.answer()).status, 200)
  polite.close()
  const { ask, end } = await holdBodies(service.url)
  const refused = await ask(expect)
  end()
  assert.equal(refused.status, 503)
  assert.match(refused.headers, /connection: close/)
})

/** While it is held, there is no room for another body of that size. */
async function holdBodies(url: string, headers: Record<string, string> = {}) {
  const text = JSON.stringify(requestOf(10)).padEnd(0.9 * MIB)
  const slow = connectTo(url)
  slow.write(headOf(text.length, headers) + text.slice(0, 1000))
  await sleep(200)
  const ask = async (more: Record<string, string>, address?: string) => {
    const other = connectTo(url)
    other.write(headOf(text.length, { ...headers, ...more }, address))
    const answer = await other.answer()
    other.close()
    return answer
  }
  return { ask, end: () => slow.close() }
}

test('a refusal that Fastify never sees is the same as one that it writes', async () => {
  const { ask, end } = await holdBodies(service.url, { 'x-request-id': 'same' })
  const before = await shed('bytes')
  const early = await ask({})
  const late = await ask({}, '/v1/prerank?by=fastify')
  const engagements = [await ask({}, '/v1/engagements'), await ask({}, '/v1/engagements?by=fastify')]
  end()
  assert.deepEqual(
    engagements.map(({ status }) => status),
    [503, 503],
  )
  assert.deepEqual([early.status, early.body], [late.status, late.body])
  assert.equal(JSON.parse(early.body).request_id, 'same')
  // Where Fastify takes back its "connection: close", Node says nothing of the connection.
  const lines = ({ headers }: { headers: string }) =>
    headers.split('\r\n').filter((line) => !/^(date|connection|keep-alive):/.test(line))
  assert.deepEqual(lines(early).sort(), lines(late).sort())
  assert.equal(await shed('bytes'), before + 4)
  const text = await (await fetch(`${service.url}/metrics`)).text()
  assert.match(text, /prerank_http_requests_total\{route="\/v1\/prerank",status="503",code="overloaded"\} [1-9]/)
})

test('whoever has no key hears that, however busy the service is', async (t) => {
  const { path, keys, remove } = await writeKeyFile()
  const closed = await startTinyService({
    environment: { API_KEYS_FILE: path, BODY_BYTES_IN_FLIGHT_MAX: `${MIB}` },
  })
  t.after(async () => {
    await closed.stop()
    await remove()
  })
  const { ask, end } = await holdBodies(closed.url, { 'x-api-key': keys.prerank })
  assert.equal((await ask({})).status, 503)
  assert.equal((await ask({ 'x-api-key': 'pr_unknown' })).status, 401)
  assert.equal((await ask({ 'x-api-key': keys.metrics })).status, 403)
  end()
})

test('a flood is refused in part, the rest is answered rightly, and afterwards all is well', async (t) => {
  const eager = await startTinyService({
    environment: { QUEUE_WAIT_MAX_MS: '10', QUEUE_WAIT_STANDING_MS: '1', DEADLINE_MS: '60000' },
  })
  t.after(() => eager.stop())
  const body = { ...requestOf(20_000), top_k: 5 }
  const wave = () => Promise.all(Array.from({ length: 100 }, () => eager.post(body)))
  // What one turn of the event loop reads at once comes in at once: waves that overlap meet a queue.
  const waves = Array.from({ length: 6 }, async (_, turn) => {
    await sleep(30 * turn)
    return wave()
  })
  const flood = (await Promise.all(waves)).flat()
  const refused = flood.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0 && refused.length < flood.length, `${refused.length} refused`)
  for (const answer of refused) assertRefused(answer)
  const expected = (await eager.oracle(body)).slice(0, 5).map(({ id }) => Number(id))
  for (const { status, body } of flood) if (status === 200) assert.deepEqual(Array.from(body.ids), expected)
  await sleep(200)
  assert.equal((await eager.post(body)).status, 200)
  const text = await (await fetch(`${eager.url}/metrics`)).text()
  assert.match(text, /prerank_shed_total\{reason="queue_(wait|age)"\} [1-9]/)
  assert.match(text, /prerank_candidates_in_flight 0\n/)
  assert.match(text, /prerank_body_bytes_in_flight 0\n/)
})
