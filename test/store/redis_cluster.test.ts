import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { clusterSlot } from '../../src/store/cluster_slot.ts'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis.ts'
import { startRedisCluster } from '../lib/redis.ts'
import { storeContract } from './contract.ts'
import { fillCluster, PREFIX } from './fill.ts'
import { recovered } from './recovered.ts'
import { writeContract } from './write_contract.ts'

const cluster = await startRedisCluster()
after(() => cluster.stop())

const options = (): RedisStoreOptions => ({
  url: cluster.urls.join(','),
  cluster: true,
  prefix: PREFIX,
  connect_timeout_ms: 1000,
  deadline_ms: 50,
  cache: { bytes_max: 0, ttl_ms: 1 },
  version_refresh_ms: 50,
})

storeContract('redis cluster', async (records) => {
  await fillCluster(cluster.urls, records, 'v1')
  return openRedisStore(options())
})

writeContract('redis cluster', () => openRedisStore(options()))

test('slots are those of the Redis Cluster specification', () => {
  assert.equal(clusterSlot('123456789'), 12739)
  assert.equal(clusterSlot('foo{bar}zap'), clusterSlot('bar'))
  assert.equal(clusterSlot('foo{}{bar}'), clusterSlot('foo{}{bar}'))
  assert.notEqual(clusterSlot('foo{}{bar}'), clusterSlot('bar'))
})

test('the values of living nodes are used while a node hangs, without waiting for it for long', async () => {
  const tokens = Array.from({ length: 30 }, (_, index) => `iqp:token:{word${index}}`)
  await fillCluster(
    cluster.urls,
    tokens.map((key) => ({ key, value: Uint8Array.of(1) })),
    'v1',
  )
  const store = await openRedisStore(options())
  const request = { sequence: null, values: tokens, live: [] }
  try {
    assert.equal((await store.read(request, 1000)).problems.length, 0)
    cluster.pause(1)
    const hanging = await store.read(request, 50)
    assert.ok(hanging.problems.length > 0 && hanging.problems.length < tokens.length, 'some keys are lost, not all')
    assert.ok(hanging.problems.every(({ error }) => error.kind === 'late'))
    await store.read(request, 50)
    const started_ms = performance.now()
    const broken = await store.read(request, 50)
    assert.ok(performance.now() - started_ms < 25, 'the breaker of the node is open')
    assert.deepEqual(
      broken.values.map((value) => value?.byteLength ?? 0).reduce((sum, one) => sum + one, 0),
      tokens.length - broken.problems.length,
    )
    cluster.resume(1)
    await recovered(store, request)
  } finally {
    cluster.resume(1)
    await store.close()
  }
})
