import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { encodeEvents } from '../../src/features/sequence.ts'
import { loadRedis } from '../lib/load_redis.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { type OracleRequest, tinyOracle } from '../lib/tiny_oracle.ts'
import { type Answer, startTinyService, type TinyService } from '../lib/tiny_service.ts'

const DEADLINE_MS = 300

let redis: TestRedis
let service: TinyService
before(async () => {
  redis = await startRedis({ own: true })
  service = await startTinyService({
    environment: {
      REDIS_URL: redis.url,
      STORE_DEADLINE_MS: `${DEADLINE_MS}`,
      // So short that every request asks Redis.
      BLOB_CACHE_BYTES: '0',
    },
  })
  await loadRedis(redis.url, service.bundle.records)
})
after(async () => {
  await service.stop()
  await redis.stop()
})
beforeEach(() => answersWith([], 10_000))

const candidates = Array.from({ length: 100 }, (_, index) => 1 + 7 * index)
const request = { query: { text: 'red shoes' }, user: { id: 'u1', country: 'DE' }, candidates, top_k: 15 }
const ALL_LOST = ['sequence', 'cross_counts', 'query_embedding']

/** Scores are those of the formula: with all that is stored, or with nothing of it where the answer is degraded. */
async function assertScores({ status, body }: Answer, asked: OracleRequest = request) {
  assert.equal(status, 200, body.detail)
  const nothing = { ...service.bundle, counts: new Map(), sequences: new Map() }
  const score = await tinyOracle(body.degraded.length > 0 ? nothing : service.bundle)
  const expected = await score(asked, Date.now())
  for (let rank = 0; rank < body.ids.length; rank++) {
    assert.ok(Math.abs(body.scores[rank] - expected[rank].score) < 1e-4, `rank ${rank}: ${body.scores[rank]}`)
  }
}

/** Asks until an answer is degraded in this way; fails after `patience_ms`. */
async function answersWith(degraded: string[], patience_ms: number): Promise<Answer> {
  const end_ms = Date.now() + patience_ms
  for (;;) {
    const answer = await service.post(request)
    if (`${answer.body.degraded}` === `${degraded}`) return answer
    if (Date.now() > end_ms) assert.deepEqual(answer.body.degraded, degraded)
    await sleep(20)
  }
}

test('Redis gives the scores that the embedded store gives', async () => {
  const embedded = await startTinyService()
  for (const text of ['red shoes', 'blue bag', 'straße', 'never asked']) {
    const body = { ...request, query: { text } }
    const [one, other] = [await service.post(body), await embedded.post(body)]
    await assertScores(one, body)
    assert.deepEqual(one.body.ids, other.body.ids)
  }
  await embedded.stop()
})

test('a paused Redis costs its deadline, not the answer; it recovers by itself', async () => {
  redis.pause()
  try {
    const start_ms = performance.now()
    const answer = await answersWith(ALL_LOST, 5000)
    await assertScores(answer)
    assert.ok(performance.now() - start_ms < 20 * DEADLINE_MS)
  } finally {
    redis.resume()
  }
  await assertScores(await answersWith([], 10_000))
})

test('requests keep being answered while Redis is killed and comes back', async () => {
  // A server that comes back empty answers at once, with nothing: only these phases have one right answer.
  type Phase = 'before' | 'changing' | 'after' | 'over'
  let phase: Phase = 'before'
  const answers: { phase: Phase; answer: Answer }[] = []
  const load = Array.from({ length: 4 }, async () => {
    while (phase !== 'over') {
      const asked_in = phase
      const answer = await service.post(request)
      answers.push({ phase: asked_in === phase ? phase : 'changing', answer })
    }
  })
  await sleep(200)
  phase = 'changing'
  await redis.kill()
  await answersWith(ALL_LOST, 5000)
  await redis.restart()
  await loadRedis(redis.url, service.bundle.records)
  await answersWith([], 10_000)
  phase = 'after'
  await sleep(200)
  phase = 'over'
  await Promise.all(load)
  for (const { answer } of answers) assert.equal(answer.status, 200)
  assert.ok(answers.some(({ answer }) => `${answer.body.degraded}` === `${ALL_LOST}`))
  for (const quiet of ['before', 'after']) {
    const settled = answers.filter((one) => one.phase === quiet)
    assert.ok(settled.length > 0)
    assert.deepEqual(
      settled.filter(({ answer }) => answer.body.degraded.length > 0),
      [],
      `${quiet}: no answer lacks anything`,
    )
    await assertScores(settled[0].answer)
    await assertScores(settled[settled.length - 1].answer)
  }
})

test('damaged values degrade only what they feed, and the reason is counted', async () => {
  const client = new Redis(redis.url)
  const key = 'pr:iqp:country=DE:{red shoes}'
  const good = (await client.getBuffer(key))!
  await client.set(key, Buffer.from(good).fill(1, 40, 60))
  const damaged = await service.post(request)
  assert.deepEqual(damaged.body.degraded, ['cross_counts'])
  await client.rename('pr:seq:{u1}', 'pr:seq:{aside}')
  await client.set('pr:seq:{u1}', 'not a list')
  const both = await service.post(request)
  assert.deepEqual(both.body.degraded_reasons, { sequence: 'nonsense', cross_counts: 'damaged' })
  await client.set(key, good)
  const wrong_type = await service.post(request)
  assert.deepEqual(wrong_type.body.degraded, ['sequence'])
  await client.rename('pr:seq:{aside}', 'pr:seq:{u1}')
  await client.quit()
  await assertScores(await answersWith([], 5000))
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  assert.match(metrics, /prerank_degraded_total\{feature="cross_counts",reason="damaged"\} 2/)
  assert.match(metrics, /prerank_degraded_total\{feature="sequence",reason="nonsense"\} 2/)
})

test('stored events of actions that the bundle does not have are left out', async () => {
  const client = new Redis(redis.url)
  const [time_ms, { key }] = [Date.now(), service.bundle.items[0]]
  for (const action of [0, 4, 255]) {
    await client.lpush('pr:seq:{u1}', Buffer.from(encodeEvents([{ key, action, time_ms }])))
  }
  const answer = await service.post(request)
  assert.deepEqual(answer.body.degraded, [])
  await assertScores(answer)
  await client.ltrim('pr:seq:{u1}', 3, -1)
  await client.quit()
})

test('/readyz stays on without Redis and says so: requests are still answered', async () => {
  await redis.kill()
  await answersWith(ALL_LOST, 5000)
  const response = await fetch(`${service.url}/readyz`)
  const { store } = (await response.json()) as { store: { kind: string; ok: boolean; detail: string } }
  assert.deepEqual([response.status, store.kind, store.ok], [200, 'redis', false])
  assert.notEqual(store.detail, '')
  await redis.restart()
  await loadRedis(redis.url, service.bundle.records)
})
