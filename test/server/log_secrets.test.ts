/** What is nobody's business reaches no log line, at any level: keys, tokens, user ids, queries, addresses, bodies. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { createKey, SCOPES } from '../../src/access/keys.ts'
import { errorForLog } from '../../src/logger.ts'
import { writeKeyFile } from '../lib/key_file.ts'
import { startRedis } from '../lib/redis.ts'
import { type ServerProcess, startServerProcess } from '../lib/server_process.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

const MARK = 'hush'
let made = 0
/** A text of its own for every place, so that a leak tells where from. */
const secret = (place: string) => `${MARK}-${place}-${made++}`

type Send = { key: string | null; path?: string; method?: string; body?: string; headers?: Record<string, string> }

async function send(url: string, { key, path = '/v1/prerank', method = 'POST', body, headers }: Send) {
  const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(url + path, { method, body, headers: { ...type, ...authorization, ...headers } })
  await response.text()
  return response.status
}

const search = (place: string, more: object = {}) =>
  JSON.stringify({
    query: { text: secret(`${place}-query`) },
    user: { id: secret(`${place}-user`) },
    candidates: [1, 8],
    ...more,
  })

/** Everything that goes wrong on the way of a request, with secrets wherever text goes in. */
async function misuse(url: string, key: string) {
  const wrong = [
    { user: { id: secret('typed'), gender: 5 } },
    { [secret('field')]: 1 },
    { user: { [secret('user-field')]: 1 } },
    { user: { features: { [secret('feature')]: 1 } } },
    { candidate_features: { [secret('column')]: [1, 2] } },
    { head_weights: { [secret('head')]: 'x' } },
    { user: { id: 5, country: secret('country') } },
    { candidates: [secret('candidate')] },
    { top_k: secret('top-k') },
    { request_id: `${secret('request-id')} with blanks` },
  ]
  for (const one of wrong) assert.equal(await send(url, { key, body: search('wrong', one) }), 400, JSON.stringify(one))
  const body = search('whole')
  const others: [number, Send][] = [
    [200, { key, body }],
    [200, { key, body, path: `/v1/prerank?user=${secret('parameter')}`, headers: { 'x-trace': secret('header') } }],
    [200, { key, body, headers: { cookie: secret('cookie'), referer: secret('referer') } }],
    [400, { key, body: `{"user": "${secret('malformed')}` }],
    [404, { key, path: `/${secret('path')}?token=${secret('token')}`, method: 'GET' }],
    [400, { key, path: `/%ff${secret('bad-path')}`, method: 'GET' }],
    [401, { key: secret('bearer'), body }],
    [401, { key: null, body, headers: { 'x-api-key': secret('x-api-key') } }],
    [401, { key: null, body, headers: { authorization: `Basic ${secret('basic')}` } }],
    [403, { key, path: `/metrics?key=${secret('metrics')}`, method: 'GET' }],
    [406, { key, body, headers: { accept: secret('accept') } }],
    [415, { key, body, headers: { 'content-type': secret('content-type') } }],
    [415, { key, body, headers: { 'content-encoding': secret('encoding') } }],
    [431, { key, body, headers: { 'x-large': secret('large').repeat(2000) } }],
  ]
  for (const [status, one] of others) assert.equal(await send(url, one), status, JSON.stringify(one).slice(0, 300))
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(`GET /${secret('parser')} HTTP/1.1\r\nHost: x\r\n${secret('broken header')}\r\n\r\n`)
  assert.match(await text(socket), /^HTTP\/1.1 400/)
}

const engagement = (user: string) =>
  JSON.stringify({
    events: [
      {
        id: secret('event'),
        time: Date.now(),
        action: 'click',
        item: 8,
        user: { id: user },
        query: { text: secret('engaged-query') },
      },
    ],
  })

test('keys, tokens, user ids, queries and addresses reach no log line, even at level trace', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'prerank-secrets-'))
  await writeTinyBundle(directory)
  const redis = await startRedis({ own: true })
  const all = createKey({ name: 'all', scopes: SCOPES.filter((scope) => scope !== 'metrics') })
  const keys = await writeKeyFile()
  await keys.write([all.line])
  const server = await startServerProcess({
    BUNDLE_DIR: directory,
    REDIS_URL: redis.url.replace('redis://', `redis://default:${secret('redis-password')}@`),
    REDIS_PREFIX: 'test:',
    API_KEYS_FILE: keys.path,
    LOG_LEVEL: 'trace',
    SHUTDOWN_DELAY_MS: '0',
  })
  try {
    const { url } = server
    await misuse(url, all.key)
    const user = secret('wrong-type-user')
    await withWrongType(redis.url, `test:seq:{${user}}`)
    const read = JSON.stringify({ query: { text: secret('query') }, user: { id: user }, candidates: [1] })
    assert.equal(await send(url, { key: all.key, body: read }), 200)
    const path = '/v1/engagements'
    assert.equal(await send(url, { key: all.key, path, body: engagement(secret('user')) }), 200)
    await send(url, { key: all.key, path, body: engagement(user) })
    await redis.kill()
    assert.equal(await send(url, { key: all.key, body: search('down') }), 200)
    assert.equal(await send(url, { key: all.key, path, body: engagement(user) }), 503)
    await keys.write([secret('key file')])
    await logged(server, /keys not read again/)
  } finally {
    server.child.kill('SIGTERM')
    await server.exited
    await redis.stop()
    await keys.remove()
    await rm(directory, { recursive: true })
  }
  const log = server.log()
  for (const expected of ['request refused', 'request ended', 'answer degraded', 'engagements not taken'])
    assert.ok(log.includes(expected), `${expected}: the test has seen the lines it is about`)
  /** Keys of the store name users and queries in braces. */
  const leak = (line: string) => line.includes(MARK) || line.includes(all.key) || /:\{[^…"]/.test(line)
  const leaks = log.split('\n').filter(leak)
  assert.deepEqual(leaks, [])
})

async function withWrongType(url: string, key: string) {
  const client = new Redis(url)
  await client.set(key, 'a string where a list should be')
  await client.quit()
}

async function logged({ child, log }: ServerProcess, pattern: RegExp) {
  while (!pattern.test(log())) await once(child.stdout!, 'data', { signal: AbortSignal.timeout(10_000) })
}

test('an error is logged without the properties that libraries hang on it', () => {
  const error = Object.assign(new Error('WRONGTYPE'), {
    command: { name: 'lrange', args: [secret('args')] },
    code: 'E1',
  })
  const logged = errorForLog(error)
  assert.deepEqual([logged.type, logged.message, logged.code], ['Error', 'WRONGTYPE', 'E1'])
  assert.doesNotMatch(JSON.stringify(logged), new RegExp(MARK))
})
