/** A Redis that dies, hangs, comes back, refuses, or was never there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis.ts'
import type { FeatureStore, StoreAnswer, StoreError, StoreErrorKind } from '../../src/store/store.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { RECORDS } from './contract.ts'
import { fillRedis, PREFIX } from './fill.ts'
import { recovered } from './recovered.ts'

const DEADLINE_MS = 50
const request = { sequence: 'seq:{u17}', values: ['iqp:token:{red}'], live: [] }

async function withStore(
  body: (store: FeatureStore, server: TestRedis) => Promise<void>,
  { cache_bytes = 0, version_refresh_ms = 50 }: { cache_bytes?: number; version_refresh_ms?: number } = {},
): Promise<void> {
  const server = await startRedis({ own: true })
  await fillRedis(server.url, RECORDS)
  const store = await openRedisStore({ ...options(server.url, cache_bytes), version_refresh_ms })
  try {
    await body(store, server)
  } finally {
    await store.close()
    await server.stop()
  }
}

function options(url: string, cache_bytes = 0): RedisStoreOptions {
  return {
    url,
    cluster: false,
    prefix: PREFIX,
    connect_timeout_ms: 500,
    deadline_ms: DEADLINE_MS,
    cache: { bytes_max: cache_bytes, ttl_ms: 60_000 },
    version_refresh_ms: 50,
  }
}

async function failure(store: FeatureStore): Promise<{ error: StoreError; took_ms: number }> {
  const started_ms = performance.now()
  try {
    await store.read(request, DEADLINE_MS)
  } catch (error) {
    return { error: error as StoreError, took_ms: performance.now() - started_ms }
  }
  return assert.fail('the read went through')
}

test('a killed Redis fails reads at once, and is used again when it is back', async () => {
  await withStore(async (store, server) => {
    await store.read(request, DEADLINE_MS)
    await server.kill()
    await sleep(50)
    const { error, took_ms } = await failure(store)
    assert.equal(error.kind, 'down')
    assert.ok(took_ms < DEADLINE_MS / 2, `took ${took_ms} ms`)
    assert.equal(store.state().ok, false)
    await server.restart()
    await fillRedis(server.url, RECORDS)
    await recovered(store, request)
  })
})

test('a hanging Redis costs a few reads their deadline, then none: nobody waits for the trials', async () => {
  await withStore(async (store, server) => {
    server.pause()
    const first = await failure(store)
    assert.equal(first.error.kind, 'late')
    assert.equal(first.error.message, 'no answer within 50 ms')
    assert.ok(first.took_ms < DEADLINE_MS + 100, `took ${first.took_ms} ms`)
    await Promise.all(Array.from({ length: 20 }, () => failure(store)))
    const later = await Promise.all(Array.from({ length: 20 }, () => failure(store)))
    assert.ok(later.every(({ took_ms }) => took_ms < DEADLINE_MS / 2))
    // Beyond the cooldown: a trial is due.
    await sleep(300)
    const tried = await failure(store)
    assert.ok(tried.took_ms < DEADLINE_MS / 2, `took ${tried.took_ms} ms`)
    assert.match(store.state().detail, /no answer from server/)
    server.resume()
    await recovered(store, request)
  })
})

test('a late answer is not taken for the next one', async () => {
  await withStore(async (store, server) => {
    server.pause()
    await failure(store)
    server.resume()
    for (let time = 0; time < 20; time++) {
      const { values } = await store.read({ sequence: null, values: ['iqp:country=DE:{red shoes}'], live: [] }, 1000)
      assert.equal(values[0]?.byteLength, 1000)
      const other = await store.read({ sequence: null, values: ['qemb:{red shoes}'], live: [] }, 1000)
      assert.equal(other.values[0]?.byteLength, 256)
    }
  })
})

test('what the cache holds is served while Redis is away, and the rest is named', async () => {
  await withStore(
    async (store, server) => {
      await store.read(request, 1000)
      await server.kill()
      await sleep(50)
      const answer = await store.read(request, DEADLINE_MS)
      assert.equal(answer.values[0]?.byteLength, 33)
      assert.equal(answer.sequence, null)
      assert.deepEqual(
        answer.problems.map(({ key, error }) => [key, error.kind]),
        [['seq:{u17}', 'down']],
      )
    },
    { cache_bytes: 2 ** 20 },
  )
})

test('a store opens without its Redis, and finds it later', async () => {
  const server = await startRedis({ own: true })
  await server.kill()
  const store = await openRedisStore(options(server.url))
  try {
    assert.equal((await failure(store)).error.kind, 'down')
    assert.match(store.state().detail, /ECONNREFUSED|not read yet|writeable/)
    await server.restart()
    await fillRedis(server.url, RECORDS)
    await recovered(store, request)
  } finally {
    await store.close()
    await server.stop()
  }
})

test('a wrong password is named', async () => {
  const server = await startRedis({ own: true })
  await fillRedis(server.url, RECORDS, 'v1')
  const admin = new Redis(server.url)
  await admin.config('SET', 'requirepass', 'secret')
  await admin.quit()
  const store = await openRedisStore(options(server.url))
  const known = await openRedisStore(options(server.url.replace('redis://', 'redis://:secret@')))
  try {
    assert.equal((await failure(store)).error.kind, 'down')
    assert.match(store.state().detail, /NOAUTH/)
    assert.ok(known.state().ok, known.state().detail)
  } finally {
    await store.close()
    await known.close()
    await server.stop()
  }
})

test('a Redis that has lost everything reads as not loaded, not as a shop without counts', async () => {
  await withStore(async (store, server) => {
    await fillRedis(server.url, RECORDS, 'v1')
    await recovered(store, request)
    await server.kill()
    await server.restart()
    const client = new Redis(server.url)
    await client.rpush(`${PREFIX}seq:{u17}`, Buffer.alloc(16))
    await client.quit()
    await answers(store, 'not_loaded')
    const { sequence, values, problems } = await store.read(request, 1000)
    assert.deepEqual([sequence?.byteLength, values, problems[0].key], [16, [null], 'iqp:token:{red}'])
    assert.match(store.state().detail, /nothing is loaded: there is no test:current; run "prerank load"/)
    assert.equal(store.state().ok, false)
    await fillRedis(server.url, RECORDS, 'v2')
    await recovered(store, request)
  })
})

test('no read after a lost connection is answered before it is known what is there now', async () => {
  await withStore(
    async (store, server) => {
      await fillRedis(server.url, RECORDS, 'v1')
      await recovered(store, request)
      await server.kill()
      await server.restart()
      const until_ms = performance.now() + 2000
      while (performance.now() < until_ms) {
        const { values, problems } = await store.read({ ...request, sequence: null }, 1000).catch(lost)
        assert.ok(values[0] !== null || problems.length > 0, 'absent, and nobody says why')
        if (problems[0]?.error.kind === 'not_loaded') return
        await nextTurn()
      }
      assert.fail('never found empty')
    },
    // The version is read again when the connection is back, not when its time has come.
    { version_refresh_ms: 60_000 },
  )
})

const lost = (error: StoreError): Pick<StoreAnswer, 'values' | 'problems'> => {
  return { values: [null], problems: [{ key: '', error }] }
}

/** Waits until reads meet this problem. */
async function answers(store: FeatureStore, kind: StoreErrorKind): Promise<void> {
  const until_ms = performance.now() + 10_000
  while (performance.now() < until_ms) {
    const answer = await store.read(request, DEADLINE_MS).catch(() => null)
    if (answer?.problems.some(({ error }) => error.kind === kind)) return
    await sleep(5)
  }
  assert.fail(`no answer was ${kind}: ${JSON.stringify(store.state())}`)
}
