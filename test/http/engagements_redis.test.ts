import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { engage, eventBody, postEngagements } from '../lib/engagements.ts'
import { loadRedis } from '../lib/load_redis.ts'
import { assertProblem } from '../lib/problem.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

let redis: TestRedis
let service: TinyService
before(async () => {
  redis = await startRedis({ own: true })
  service = await startTinyService({ environment: { REDIS_URL: redis.url, ENGAGEMENT_DEADLINE_MS: '300' } })
  await loadRedis(redis.url, service.bundle.records)
})
after(async () => {
  await service.stop()
  await redis.stop()
})

const query = { text: 'quite new' }

test('a request reads what it needs in one round trip, live counts included', async () => {
  const client = new Redis(redis.url)
  const monitor = await client.monitor()
  const commands: string[] = []
  monitor.on('monitor', (_time: string, [command, key]: string[]) => {
    if (key?.startsWith('pr:') && key !== 'pr:current') commands.push(`${command} ${key}`)
  })
  const request = { query: { text: 'blue bag' }, user: { id: 'u1', country: 'DE' }, candidates: [8] }
  const expected = ['all', 'country=DE'].map((segment) => `get pr:iqp-live:${segment}:{blue bag}`)
  const tokens = ['blue', 'bag'].map((token) => `get pr:iqp-live:token:{${token}}`)
  await service.post(request)
  const first = commands.splice(0)
  await service.post(request)
  await sleep(50)
  monitor.disconnect()
  client.disconnect()
  assert.equal(first.length, 1 + 2 * 4 + 1, `${first}`)
  assert.deepEqual(
    commands.sort(),
    ['lrange pr:seq:{u1}', ...expected, ...tokens].sort(),
    'the rest comes from the cache',
  )
})

test('an event that the store took in part has failed; sent again it is whole, and counted once', async () => {
  const client = new Redis(redis.url)
  await client.set('pr:seq:{broken}', 'no list')
  const event = eventBody({ user: { id: 'broken' }, query, item: 8 })
  const { outcomes } = await engage(service, [event, eventBody({ user: { id: 'fine' } })])
  assert.deepEqual(outcomes, ['failed', 'applied'])
  await client.del('pr:seq:{broken}')
  assert.deepEqual((await engage(service, [event])).outcomes, ['applied'])
  assert.deepEqual((await engage(service, [event])).outcomes, ['duplicate'])
  const live = await client.getBuffer('pr:iqp-live:all:{quite new}')
  assert.deepEqual([live!.length, live!.readUInt32LE(16)], [20, 1])
  await client.quit()
})

test('live counts that are damaged degrade themselves only', async () => {
  const client = new Redis(redis.url)
  await client.set('pr:iqp-live:all:{red shoes}', 'damaged')
  const request = { query: { text: 'red shoes' }, user: { id: 'u1', country: 'DE' }, candidates: [1, 8, 15] }
  const { body } = await service.post(request)
  assert.deepEqual(body.degraded, ['live_counts'])
  const [best] = await service.oracle(request)
  assert.ok(Math.abs(body.scores[0] - best.score) < 1e-3, 'the counts of the batch are used')
  await client.del('pr:iqp-live:all:{red shoes}')
  await client.quit()
})

test('without Redis engagements are refused as a whole, soon, and may be sent again', async () => {
  const events = [eventBody({ user: { id: 'again' }, query }), eventBody({ user: { id: 'again' } })]
  await redis.kill()
  const refused = await postEngagements(service, { events })
  assertProblem(refused, { status: 503, code: 'store_unavailable' })
  assert.equal(refused.headers.get('retry-after'), '1')
  assert.doesNotMatch(refused.body.detail, /again\}/)
  await redis.restart()
  const end_ms = Date.now() + 10_000
  let answer = await postEngagements(service, { events })
  while (answer.status !== 200 && Date.now() < end_ms) {
    await sleep(50)
    answer = await postEngagements(service, { events })
  }
  assert.equal(answer.status, 200, answer.body.detail)
})
