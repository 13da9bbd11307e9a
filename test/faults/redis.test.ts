/** A Redis that hangs, slows down, fills up, or comes back empty under a service in a process of its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { postEngagements } from '../lib/engagements.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { redisCommand } from '../lib/redis_process.ts'
import { type SlowProxy, startSlowProxy } from '../lib/slow_proxy.ts'
import { type FaultyService, loadDemo, startFaultyService } from './service.ts'

/** So far above what a busy machine takes for a whole request that the two cannot be confused. */
const STORE_DEADLINE_MS = 1000
const ALL = ['sequence', 'cross_counts']

let redis: TestRedis
let proxy: SlowProxy
let service: FaultyService
before(async () => {
  redis = await startRedis({ own: true })
  await loadDemo(redis)
  proxy = await startSlowProxy(redis.port)
  service = await startFaultyService({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    STORE_DEADLINE_MS: `${STORE_DEADLINE_MS}`,
    ENGAGEMENT_DEADLINE_MS: '2000',
    // Every request asks Redis.
    BLOB_CACHE_BYTES: '0',
  })
})
after(async () => {
  await service.end()
  await proxy.close()
  await redis.stop()
})

async function times_ms(requests: number): Promise<number[]> {
  const times: number[] = []
  for (let turn = 0; turn < requests; turn++) {
    const { status, took_ms } = await service.ask(turn)
    assert.equal(status, 200)
    times.push(took_ms)
  }
  return times.sort((a, b) => a - b)
}
const p99 = (sorted: number[]) => sorted[Math.floor(0.99 * (sorted.length - 1))]

test('a hanging Redis: once the breaker is open no request pays for it, trials included', async (t) => {
  await service.answers([])
  const steady = await times_ms(200)
  redis.pause()
  try {
    // Ten failures open the breaker.
    await Promise.all(Array.from({ length: 12 }, (_, turn) => service.ask(turn)))
    const hanging = await times_ms(200)
    const paused = await service.ask()
    assert.deepEqual(paused.body.degraded, ALL)
    // Long enough for trials and for the socket to be given up.
    await sleep(2500)
    const later = await times_ms(200)
    for (const times of [hanging, later]) {
      assert.ok(times.at(-1)! < STORE_DEADLINE_MS / 2, `the slowest took ${times.at(-1)} ms`)
    }
    t.diagnostic(`p99 of 1,000 candidates: ${[steady, hanging, later].map((times) => p99(times).toFixed(1))} ms`)
  } finally {
    redis.resume()
  }
  await service.answers([])
})

test('a slow Redis costs its deadline and not more; answers say what they lack', async () => {
  await service.answers([])
  const before = await service.metric(/degraded_total\{feature="cross_counts",reason="late"\} (\d+)/)
  proxy.delay(2 * STORE_DEADLINE_MS)
  const slow = await service.ask()
  assert.deepEqual([slow.status, slow.body.degraded], [200, ALL])
  assert.ok(slow.took_ms < 1.8 * STORE_DEADLINE_MS, `took ${slow.took_ms} ms`)
  proxy.delay(0)
  await service.answers([])
  assert.ok((await service.metric(/degraded_total\{feature="cross_counts",reason="late"\} (\d+)/)) > before)
})

test('a full Redis is still read; engagements are refused clearly, and none of them is lost when sent again', async () => {
  await service.answers([])
  const user = { id: `full-${randomUUID()}` }
  const event = (id: string) => ({
    id,
    time: Date.now(),
    action: 'click',
    item: 14457789,
    user,
    query: { text: 'red' },
  })
  const events = Array.from({ length: 20 }, (_, index) => event(`${index}`))
  await redisCommand(redis.port, 'CONFIG SET maxmemory 1')
  try {
    for (let time = 0; time < 12; time++) {
      const { status, body, headers } = await postEngagements(service, { events })
      assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'store_unavailable', '1'])
      assert.match(body.detail, /found a store that is full, expected the same events again, later/)
      assert.deepEqual((await service.ask(time)).body.degraded, [])
    }
    assert.match(await redisCommand(redis.port, `EXISTS pr:seq:{${user.id}}`), /^:0/)
  } finally {
    await redisCommand(redis.port, 'CONFIG SET maxmemory 0')
  }
  const taken = (await postEngagements(service, { events })).body as unknown as { counts: Record<string, number> }
  assert.equal(taken.counts.applied, events.length)
  assert.match(await redisCommand(redis.port, `LLEN pr:seq:{${user.id}}`), /^:20/)
})

test('a Redis that comes back empty is told from a shop without counts, and a load mends it', async () => {
  const whole = await service.answers([])
  await redis.restart()
  const empty = await service.answers(['cross_counts'])
  assert.notDeepEqual(empty.body.scores, whole.body.scores)
  const store = await service.store()
  assert.equal(store.ok, false)
  assert.match(store.detail, /nothing is loaded: there is no pr:current; run "prerank load"/)
  assert.ok((await service.metric(/degraded_total\{feature="cross_counts",reason="not_loaded"\} (\d+)/)) > 0)
  await loadDemo(redis)
  const again = await service.answers([])
  assert.deepEqual(again.body.ids, whole.body.ids)
  assert.equal((await service.store()).ok, true)
})
