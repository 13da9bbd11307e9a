/** A Redis Cluster whose master dies or hands over while a service in a process of its own reads and writes. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { postEngagements } from '../lib/engagements.ts'
import { startRedisCluster, type TestRedisCluster } from '../lib/redis.ts'
import { redisCommand } from '../lib/redis_process.ts'
import { type FaultyService, loadDemo, startFaultyService } from './service.ts'

const NODE_TIMEOUT_MS = 2000
const PATIENCE_MS = 30_000
/** Node 3 follows node 0. */
const [MASTER, REPLICA] = [0, 3]

let cluster: TestRedisCluster
let service: FaultyService
before(async () => {
  cluster = await startRedisCluster({ replicas: 1, node_timeout_ms: NODE_TIMEOUT_MS })
  await loadDemo({ url: cluster.url, cluster: true })
  service = await startFaultyService({
    REDIS_URL: cluster.urls.join(','),
    REDIS_CLUSTER: 'true',
    STORE_DEADLINE_MS: '500',
    BLOB_CACHE_BYTES: '0',
  })
})
after(async () => {
  await service.end()
  await cluster.stop()
})

/** Requests one after the other: all are answered; those that lack something say so, the others are the right ones. */
async function underLoad(body: () => Promise<void>): Promise<{ degraded: number; asked: number }> {
  const expected = (await service.answers([])).body
  const seen = { degraded: 0, asked: 0, over: false }
  const load = (async () => {
    while (!seen.over) {
      const { status, body } = await service.ask()
      assert.equal(status, 200, body.detail)
      seen.asked++
      if (body.degraded.length > 0) seen.degraded++
      else assert.deepEqual(body.ids, expected.ids)
    }
  })()
  try {
    await body()
    await service.answers([])
  } finally {
    seen.over = true
    await load
  }
  return seen
}

async function becomesMaster(port: number): Promise<void> {
  const end_ms = Date.now() + PATIENCE_MS
  while (!(await redisCommand(port, 'INFO replication')).includes('role:master')) {
    assert.ok(Date.now() < end_ms, 'the replica did not take over')
    await sleep(50)
  }
}

const event = (user: string, id: string) => ({
  ...{ id, time: Date.now(), action: 'click', item: 14457789 },
  user: { id: user },
})

/** Sends the same events until the store has them all; what became of each at last. */
async function sendUntilTaken(events: unknown[]): Promise<string[]> {
  const end_ms = Date.now() + PATIENCE_MS
  for (;;) {
    const { status, body } = await postEngagements(service, { events })
    const { outcomes } = body as unknown as { outcomes: string[] }
    if (status === 200 && !outcomes.includes('failed')) return outcomes
    assert.ok(Date.now() < end_ms, `${status} ${JSON.stringify(body)}`)
    await sleep(100)
  }
}

test('a planned failover: the service follows, and engagements posted meanwhile are there', async () => {
  const users = Array.from({ length: 30 }, () => randomUUID())
  await underLoad(async () => {
    assert.match(await redisCommand(cluster.ports[REPLICA], 'CLUSTER FAILOVER'), /^\+OK/)
    await Promise.all([becomesMaster(cluster.ports[REPLICA]), sendUntilTaken(users.map((user) => event(user, user)))])
    await sleep(500)
  })
  const again = await sendUntilTaken(users.map((user) => event(user, user)))
  assert.ok(again.every((outcome) => outcome === 'duplicate'))
})

test('a killed master: answers lack its features until its replica has taken over, and no restart is needed', async (t) => {
  // Roles were changed by the test before, or not, if it runs alone.
  const [killed, other] = (await redisCommand(cluster.ports[MASTER], 'INFO replication')).includes('role:master')
    ? [MASTER, REPLICA]
    : [REPLICA, MASTER]
  const seen = await underLoad(async () => {
    await cluster.kill(killed)
    await becomesMaster(cluster.ports[other])
  })
  assert.ok(seen.degraded > 0 && seen.degraded < seen.asked, JSON.stringify(seen))
  t.diagnostic(`${seen.degraded} of ${seen.asked} answers were degraded`)
  const users = Array.from({ length: 30 }, () => randomUUID())
  assert.ok((await sendUntilTaken(users.map((user) => event(user, user)))).every((outcome) => outcome === 'applied'))
})
