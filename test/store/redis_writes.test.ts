import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { DAY_MS } from '../../src/day.ts'
import { openRedisStore } from '../../src/store/redis.ts'
import type { FeatureStore, StoreWrite } from '../../src/store/store.ts'
import { startRedis } from '../lib/redis.ts'
import { PREFIX } from './fill.ts'
import { countsWrite, sequenceWrite, WRITE_LIMITS } from './write_contract.ts'

const server = await startRedis({ own: true, args: ['--maxmemory-policy', 'noeviction'] })
const client = new Redis(server.url)
const store = await openRedisStore({
  url: server.url,
  cluster: false,
  prefix: PREFIX,
  connect_timeout_ms: 1000,
  deadline_ms: 50,
  cache: { bytes_max: 0, ttl_ms: 1 },
})
after(async () => {
  await store.close()
  client.disconnect()
  await server.stop()
})

const event = (id: string) => ({ id, key: 7n, action: 1, time_ms: Date.now() })
const options = { now_ms: Date.now(), deadline_ms: 200, limits: WRITE_LIMITS }
const writesOf = (name: string, ids: string[]): StoreWrite[] => [
  sequenceWrite(`seq:{${name}}`, ids.map(event)),
  countsWrite(`iqp-live:all:{${name}}`, ids.map(event)),
]

async function errorsOf(writes: StoreWrite[], from: FeatureStore = store) {
  const answers = await from.write(writes, options)
  return answers.map((answer) => (answer instanceof Error ? `${answer.kind}: ${answer.message}` : 'written'))
}

test('keys and the ids that they remember expire', async () => {
  await store.write(writesOf('ttl', ['a']), options)
  const ttl_ms = await Promise.all(
    ['seq:{ttl}', 'seq:{ttl}:seen', 'iqp-live:all:{ttl}', 'iqp-live:all:{ttl}:seen', 'iqp-live:all:{ttl}:index'].map(
      (key) => client.pttl(PREFIX + key),
    ),
  )
  const expected = [
    WRITE_LIMITS.sequence_ttl_ms,
    WRITE_LIMITS.ids_ttl_ms,
    3 * DAY_MS,
    WRITE_LIMITS.ids_ttl_ms,
    3 * DAY_MS,
  ]
  for (const [index, found_ms] of ttl_ms.entries()) {
    assert.ok(found_ms <= expected[index] && found_ms > expected[index] - 60_000, `${index}: ${found_ms} ms`)
  }
})

test('a server that has lost its scripts is sent them again', async () => {
  await store.write(writesOf('flush', ['a']), options)
  await client.script('FLUSH')
  assert.deepEqual(await store.write(writesOf('flush', ['a', 'b']), options), [
    ['duplicate', 'applied'],
    ['duplicate', 'applied'],
  ])
})

test('a key of another type fails alone, unchanged, and without naming the user', async () => {
  await client.set(`${PREFIX}seq:{wrong}`, 'text')
  await client.set(`${PREFIX}iqp-live:all:{wrong}`, 'text')
  await client.set(`${PREFIX}seq:{odd}:seen`, 'text')
  const errors = await errorsOf([...writesOf('wrong', ['a']), ...writesOf('odd', ['a'])])
  assert.match(errors[0], /^nonsense: test:seq:\{…\}: WRONGTYPE/)
  assert.match(errors[1], /^nonsense: test:iqp-live:all:\{…\}: WRONGTYPE/)
  assert.match(errors[2], /^nonsense: .*WRONGTYPE/)
  assert.equal(errors[3], 'written')
  assert.equal(await client.exists(`${PREFIX}seq:{wrong}:seen`, `${PREFIX}seq:{odd}`), 0)
})

test('an element that is no event counts as the oldest', async () => {
  await client.rpush(`${PREFIX}seq:{mixed}`, 'seventeen bytes !!')
  assert.deepEqual(await errorsOf([writesOf('mixed', ['a'])[0]]), ['written'])
  const lengths = (await client.lrangeBuffer(`${PREFIX}seq:{mixed}`, 0, -1)).map(({ length }) => length)
  assert.deepEqual(lengths, [16, 18])
})

test('where one of the two keys of live counts is gone, the other one follows or makes it anew', async () => {
  const key = 'iqp-live:all:{evicted}'
  const countOf = async () => {
    const { live } = await store.read({ sequence: null, values: [], live: [key] }, 200)
    return [live[0]?.length, Buffer.from(live[0]!).readUInt32LE(16)]
  }
  await store.write([countsWrite(key, ['a', 'b'].map(event))], options)
  await client.del(`${PREFIX}${key}:index`)
  await store.write([countsWrite(key, [event('c')])], options)
  assert.deepEqual(await countOf(), [20, 3])
  await client.del(`${PREFIX}${key}`)
  await store.write([countsWrite(key, [event('d')])], options)
  assert.deepEqual(await countOf(), [20, 1])
  await client.append(`${PREFIX}${key}`, 'odd')
  assert.match((await errorsOf([countsWrite(key, [event('e')])]))[0], /^nonsense: .* found 23 bytes of live counts/)
})

test('a full Redis refuses writes and is still read', async () => {
  await store.write(writesOf('full', ['a']), options)
  await client.config('SET', 'maxmemory', '1')
  try {
    for (let time = 0; time < 20; time++) {
      const errors = await errorsOf(writesOf('full', [`${time}`]))
      for (const error of errors) assert.match(error, /^full: .*OOM/)
    }
    const { sequence, live } = await store.read(
      { sequence: 'seq:{full}', values: [], live: ['iqp-live:all:{full}'] },
      200,
    )
    assert.deepEqual([sequence?.byteLength, live[0]?.length], [16, 20])
  } finally {
    await client.config('SET', 'maxmemory', '0')
  }
  assert.deepEqual(await errorsOf(writesOf('full', ['z'])), ['written', 'written'])
})

test('a server that hangs fails writes in time; sent again, they are applied once', async () => {
  server.pause()
  const start_ms = performance.now()
  const errors = await errorsOf(writesOf('hang', ['a']))
  assert.ok(performance.now() - start_ms < 1000)
  for (const error of errors) assert.match(error, /^late: no answer within 200 ms/)
  server.resume()
  const until_ms = performance.now() + 10_000
  while (`${await errorsOf(writesOf('hang', ['a']))}` !== 'written,written') {
    assert.ok(performance.now() < until_ms, 'back within 10 s')
    await sleep(20)
  }
  const { sequence } = await store.read({ sequence: 'seq:{hang}', values: [], live: [] }, 200)
  assert.equal(sequence?.byteLength, 16)
})

test('a dead server is told as such, and comes back', async () => {
  await server.kill()
  const errors = await errorsOf(writesOf('dead', ['a']))
  for (const error of errors) assert.match(error, /^down: /)
  await server.restart()
  const until_ms = performance.now() + 10_000
  while (`${await errorsOf(writesOf('dead', ['a']))}` !== 'written,written') {
    assert.ok(performance.now() < until_ms, 'back within 10 s')
    await sleep(20)
  }
})
