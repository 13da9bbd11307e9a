import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKey, type Scope } from '../../src/access/keys.ts'
import { type TestKeys, writeKeyFile } from '../lib/key_file.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

const BODY = JSON.stringify({ query: { text: 'red shoes' }, candidates: [1, 8, 15] })
const EVENT = { id: 'e1', action: 'click', item: 1, query: { text: 'red shoes' } }

let keys: TestKeys
let service: TinyService
before(async () => {
  keys = await writeKeyFile()
  service = await startTinyService({ environment: { API_KEYS_FILE: keys.path } })
})
after(async () => {
  await service.stop()
  await keys.remove()
})

type Call = { method?: string; path: string; body?: string; headers?: Record<string, string> }

async function call({ method = 'GET', path, body, headers }: Call) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(service.url + path, { method, body, headers: { ...type, ...headers } })
  const answer = await response.text()
  const problem = response.headers.get('content-type')?.startsWith('application/problem+json')
  return { status: response.status, headers: response.headers, code: problem ? JSON.parse(answer).code : null }
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const events = () => JSON.stringify({ events: [{ ...EVENT, time: Date.now() }] })

/** Each address with the scope it needs; null is any key. */
const ADDRESSES: [Call, Scope | null][] = [
  [{ method: 'POST', path: '/v1/prerank', body: BODY }, 'prerank'],
  [{ method: 'POST', path: '/v1/engagements', body: events() }, 'engagements'],
  [{ path: '/v1/models' }, null],
  [{ path: '/metrics' }, 'metrics'],
  [{ path: '/openapi.json' }, null],
  [{ path: '/docs' }, null],
  [{ path: '/docs/json' }, null],
  [{ path: '/docs/static/index.css' }, null],
]

test('without a key only health answers, whatever the address or the method', async () => {
  for (const path of ['/healthz', '/readyz']) assert.equal((await call({ path })).status, 200)
  const others: Call[] = [
    { path: '/' },
    { path: '/nothing' },
    { path: '/healthz/x' },
    { path: '/%ff' },
    { path: '/v1/admin/nothing' },
    { path: '/v1/prerank' },
    { method: 'OPTIONS', path: '/v1/prerank' },
    { method: 'DELETE', path: '/metrics' },
    { method: 'POST', path: '/v1/prerank', body: '{' },
  ]
  for (const one of [...ADDRESSES.map(([address]) => address), ...others]) {
    const { status, code, headers } = await call(one)
    assert.deepEqual([status, code], [401, 'unauthenticated'], `${one.method} ${one.path}`)
    assert.equal(headers.get('www-authenticate'), 'Bearer realm="prerank"')
  }
})

test('every address takes the scope it needs, and only that', async () => {
  for (const [address, need] of ADDRESSES) {
    for (const [scope, key] of Object.entries(keys.keys)) {
      const { status, code, headers } = await call({ ...address, headers: bearer(key) })
      if (need === null || scope === need) assert.equal(status, 200, `${address.path} with ${scope}`)
      else {
        assert.deepEqual([status, code], [403, 'forbidden'], `${address.path} with ${scope}`)
        assert.match(headers.get('www-authenticate')!, new RegExp(`error="insufficient_scope", scope="${need}"`))
      }
    }
  }
})

test('an unknown key is told from none, and unknown addresses and methods exist for those with a key', async () => {
  for (const key of ['pr_x', `${keys.keys.prerank}x`, keys.keys.prerank.slice(1), keys.lines[0].split(':')[2]]) {
    const { status, headers } = await call({ path: '/v1/models', headers: bearer(key) })
    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate')!, /error="invalid_token"/)
  }
  const with_key = { headers: bearer(keys.keys.prerank) }
  assert.equal((await call({ path: '/nothing', ...with_key })).status, 404)
  assert.equal((await call({ path: '/v1/prerank', ...with_key })).status, 405)
})

test('the key may come as x-api-key; schemes other than Bearer carry none', async () => {
  const key = keys.keys.metrics
  assert.equal((await call({ path: '/metrics', headers: { 'x-api-key': key } })).status, 200)
  assert.equal((await call({ path: '/metrics', headers: { authorization: `bearer  ${key}` } })).status, 200)
  for (const authorization of [key, `Basic ${key}`, 'Bearer', `Bearer ${key} ${key}`])
    assert.equal((await call({ path: '/metrics', headers: { authorization } })).status, 401, authorization)
})

test('a refused body is not waited for', async () => {
  const sent = request(`${service.url}/v1/prerank`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 1_000_000 },
  })
  sent.on('error', () => {})
  sent.write('{')
  const status = await new Promise<number>((resolve) => {
    sent.once('response', (response) => void text(response).then(() => resolve(response.statusCode!)))
  })
  assert.equal(status, 401)
  sent.destroy()
})

test('keys are rotated without a restart: both work, then the new one; a damaged file changes nothing', async () => {
  const models = (key: string) => call({ path: '/v1/models', headers: bearer(key) }).then(({ status }) => status)
  const fresh = createKey({ name: 'prerank', scopes: ['prerank'] })
  const old = keys.keys.prerank
  assert.deepEqual([await models(old), await models(fresh.key)], [200, 401])
  await keys.write([...keys.lines, fresh.line])
  await until(async () => (await models(fresh.key)) === 200)
  assert.equal(await models(old), 200)
  await keys.write(['not a key'])
  await sleep(1500)
  assert.deepEqual([await models(old), await models(fresh.key)], [200, 200])
  await keys.write([fresh.line])
  await until(async () => (await models(old)) === 401)
  assert.equal(await models(fresh.key), 200)
  await keys.write(keys.lines)
  await until(async () => (await models(old)) === 200)
})

async function until(holds: () => Promise<boolean>) {
  for (const end_ms = Date.now() + 10_000; !(await holds()); await sleep(50)) assert.ok(Date.now() < end_ms)
}
