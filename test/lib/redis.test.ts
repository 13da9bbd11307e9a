import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { startRedis, startRedisCluster } from './redis.ts'
import { freePort, redisCommand } from './redis_process.ts'

test('a server of our own answers, survives a pause and comes back empty after a restart', async () => {
  const redis = await startRedis({ own: true })
  try {
    await redisCommand(redis.port, 'SET a 1')
    redis.pause()
    const late = redisCommand(redis.port, 'GET a')
    assert.equal(await Promise.race([late, sleep(100, 'late')]), 'late')
    redis.resume()
    assert.equal(await late, '$1\r\n1\r\n')
    await redis.kill()
    await assert.rejects(redisCommand(redis.port, 'PING'), /ECONNREFUSED/)
    await redis.restart()
    assert.equal(await redisCommand(redis.port, 'GET a'), '$-1\r\n')
  } finally {
    await redis.stop()
  }
  await assert.rejects(redisCommand(redis.port, 'PING'), /ECONNREFUSED/)
})

test('a server stops with the test process, however that ends', async () => {
  const source = `
    const { startRedis } = await import('${new URL('redis.ts', import.meta.url)}')
    const redis = await startRedis({ own: true })
    console.log(redis.port)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  const port = Number(line)
  assert.match(await redisCommand(port, 'PING'), /PONG/)
  child.kill('SIGKILL')
  for (let tries = 0; tries < 100 && (await answers(port)); tries++) await sleep(20)
  assert.equal(await answers(port), false)
})

test('a cluster of three nodes serves every slot', async () => {
  const redis = await startRedisCluster()
  const client = new Cluster(redis.urls)
  try {
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`)
    for (const key of keys) await client.set(key, key)
    for (const key of keys) assert.equal(await client.get(key), key)
    const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()))
    assert.equal(sizes.length, 3)
    assert.ok(sizes.every((size) => size > 0))
  } finally {
    client.disconnect()
    await redis.stop()
  }
})

test('with REDIS_URL an empty database is claimed, emptied at the end, and no other is touched', async () => {
  const server = await startRedis({ own: true })
  const before = process.env.REDIS_URL
  process.env.REDIS_URL = server.url
  const theirs = new Redis(`${server.url}/15`)
  try {
    await theirs.set('precious', 'yes')
    const [a, b] = await Promise.all([startRedis(), startRedis()])
    assert.notEqual(a.url, b.url)
    assert.ok(!a.url.endsWith('/15') && !b.url.endsWith('/15'))
    const client = new Redis(a.url)
    await client.set('left', 'behind')
    await client.quit()
    assert.throws(() => a.pause(), /own: true/)
    await a.stop()
    await b.stop()
    assert.equal(await theirs.get('precious'), 'yes')
    assert.equal((await theirs.info('keyspace')).match(/db\d+/g)?.join(), 'db15')
  } finally {
    if (before === undefined) delete process.env.REDIS_URL
    else process.env.REDIS_URL = before
    theirs.disconnect()
    await server.stop()
  }
})

test('a free port is free', async () => {
  assert.equal(await answers(await freePort()), false)
})

async function answers(port: number): Promise<boolean> {
  return redisCommand(port, 'PING').then(
    () => true,
    () => false,
  )
}
