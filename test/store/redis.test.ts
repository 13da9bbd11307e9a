import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis.ts'
import { startRedis } from '../lib/redis.ts'
import { DEADLINE_MS, storeContract } from './contract.ts'
import { fillRedis, PREFIX } from './fill.ts'
import { writeContract } from './write_contract.ts'

const server = await startRedis()
after(() => server.stop())

const options = (url: string): RedisStoreOptions => ({
  url,
  cluster: false,
  prefix: PREFIX,
  connect_timeout_ms: 1000,
  deadline_ms: 100,
  cache: { bytes_max: 2 ** 20, ttl_ms: 10_000 },
  version_refresh_ms: 20,
})

storeContract('redis', async (records) => {
  await fillRedis(server.url, records)
  return openRedisStore(options(server.url))
})

storeContract('redis without a cache', async (records) => {
  await fillRedis(server.url, records)
  return openRedisStore({ ...options(server.url), cache: { bytes_max: 0, ttl_ms: 1 } })
})

writeContract('redis', () => openRedisStore(options(server.url)))

test('requests of one turn share a pipeline, and what several of them want is read once', async () => {
  const own = await startRedis({ own: true })
  const client = new Redis(own.url)
  const event = Buffer.alloc(16, 1)
  await client.rpush(`${PREFIX}seq:{a}`, event)
  await client.rpush(`${PREFIX}seq:{b}`, event, event)
  const store = await openRedisStore(options(own.url))
  try {
    await client.config('RESETSTAT')
    const users = ['a', 'b', 'a', 'nobody', 'a']
    const answers = await Promise.all(
      users.map((user) => store.read({ sequence: `seq:{${user}}`, values: [], live: [] }, DEADLINE_MS)),
    )
    assert.deepEqual(
      answers.map(({ sequence }) => sequence?.length ?? null),
      [16, 32, 16, null, 16],
    )
    assert.match(await client.info('commandstats'), /cmdstat_lrange:calls=3,/)
  } finally {
    await store.close()
    client.disconnect()
    await own.stop()
  }
})

test('a value of the wrong type is a problem of its key only', async () => {
  const client = new Redis(server.url)
  await client.set(`${PREFIX}seq:{wrong}`, 'text')
  await client.rpush(`${PREFIX}iqp:all:{wrong}`, 'text')
  await client.rpush(`${PREFIX}seq:{odd}`, 'seventeen bytes !!')
  const store = await openRedisStore(options(server.url))
  try {
    const answer = await store.read(
      { sequence: 'seq:{wrong}', values: ['iqp:token:{red}', 'iqp:all:{wrong}'], live: [] },
      DEADLINE_MS,
    )
    assert.equal(answer.sequence, null)
    assert.deepEqual(
      answer.values.map((value) => value?.byteLength),
      [33, undefined],
    )
    assert.deepEqual(
      answer.problems.map(({ key, error }) => [key, error.kind]),
      [
        ['seq:{wrong}', 'nonsense'],
        ['iqp:all:{wrong}', 'nonsense'],
      ],
    )
    assert.match(answer.problems[0].error.message, /^test:seq:\{…\}: WRONGTYPE/)
    await assert.rejects(store.read({ sequence: 'seq:{odd}', values: [], live: [] }, DEADLINE_MS), {
      name: 'StoreError',
      kind: 'nonsense',
      message: 'test:seq:{…}: element 0 has 18 bytes, expected events of 16',
    })
    assert.ok(store.state().ok, 'wrong values do not make the store unwell')
  } finally {
    await store.close()
    await client.quit()
  }
})

test('hot values, present or absent, are read from Redis once', async () => {
  const reads: { hits: number; misses: number }[] = []
  const store = await openRedisStore({ ...options(server.url), onCacheRead: (read) => reads.push(read) })
  const request = { sequence: null, values: ['iqp:all:{red shoes}', 'iqp:all:{nothing}'], live: [] }
  const first = await store.read(request, DEADLINE_MS)
  const second = await store.read(request, DEADLINE_MS)
  await store.close()
  assert.deepEqual(reads, [
    { hits: 0, misses: 2 },
    { hits: 2, misses: 0 },
  ])
  assert.equal(second.values[0], first.values[0], 'the same bytes, so that what was derived from them can be kept too')
})

test('a new version is served within the refresh time, never mixed with the old one', async () => {
  const value = (fill: number) => new Uint8Array(1000).fill(fill)
  const keys = ['iqp:all:{flip}', 'iqp:country=DE:{flip}', 'iqp:token:{flip}']
  const records = (fill: number) => keys.map((key) => ({ key, value: value(fill) }))
  const client = new Redis(server.url)
  await fillRedis(server.url, records(1), 'v1')
  const store = await openRedisStore(options(server.url))
  try {
    assert.equal(store.state().version, 'v1')
    await fillRedis(server.url, records(2), 'v2')
    const seen = new Set<number>()
    const until = performance.now() + 1000
    while (!seen.has(2) && performance.now() < until) {
      const { values } = await store.read({ sequence: null, values: keys, live: [] }, DEADLINE_MS)
      const fills = new Set(values.map((one) => one![0]))
      assert.equal(fills.size, 1, 'one version per answer')
      seen.add([...fills][0])
      await sleep(1)
    }
    assert.ok(seen.has(2), 'the new version came')
    assert.equal(store.state().version, 'v2')
    await client.set(`${PREFIX}current`, 'not a version!')
    await sleep(100)
    assert.match(store.state().detail, /found version "not a version!"/)
    const { values } = await store.read({ sequence: null, values: keys, live: [] }, DEADLINE_MS)
    assert.equal(values[0]![0], 2, 'the last good version stays')
  } finally {
    await client.del(`${PREFIX}current`)
    await client.quit()
    await store.close()
  }
})
