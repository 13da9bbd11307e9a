import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServerProcess } from '../lib/server_process.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

let root: string
let bundle: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'prerank-life-'))
  bundle = join(root, 'bundle')
  await writeTinyBundle(bundle)
})
after(() => rm(root, { recursive: true }))

const start = (environment: Record<string, string>, options?: { until: RegExp }) =>
  startServerProcess({ BUNDLE_DIR: bundle, ...environment }, options)

const body = JSON.stringify({ query: { text: 'red shoes' }, candidates: [1, 8, 15] })
const headers = { 'content-type': 'application/json' }

/** A request whose body is held back until `finish`. */
function slowRequest(url: string) {
  const request = httpRequest(`${url}/v1/prerank`, {
    method: 'POST',
    headers: { ...headers, 'content-length': body.length },
  })
  request.write(body.slice(0, 10))
  const status = once(request, 'response').then(async ([response]) => {
    await text(response)
    return response.statusCode as number
  })
  return { status, finish: () => request.end(body.slice(10)) }
}

test('SIGTERM: readiness goes off first, requests in flight finish, and the process ends by itself', async () => {
  const { child, url, exited, log } = await start({ SHUTDOWN_DELAY_MS: '600' })
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  const slow = slowRequest(url)
  await sleep(100)
  child.kill('SIGTERM')
  await sleep(150)
  const unready = await fetch(`${url}/readyz`)
  assert.deepEqual(
    [unready.status, unready.headers.get('content-type')?.split(';')[0]],
    [503, 'application/problem+json'],
  )
  assert.equal((await fetch(`${url}/healthz`)).status, 200, 'still alive')
  const answer = await fetch(`${url}/v1/prerank`, { method: 'POST', headers, body })
  assert.equal(answer.status, 200, 'still answering')
  assert.equal(answer.headers.get('connection'), 'close', 'and the next request goes elsewhere')
  await sleep(700)
  await assert.rejects(fetch(`${url}/healthz`), 'no longer accepting')
  slow.finish()
  assert.equal(await slow.status, 200)
  const answered_ms = performance.now()
  assert.equal(await exited, 0, log())
  assert.ok(performance.now() - answered_ms < 3000, 'connections that idle do not hold it up')
})

test('SIGTERM while a bundle is being loaded gives the load up, which is no failure', async () => {
  const { child, url, exited, log } = await start({ SHUTDOWN_DELAY_MS: '0' }, { until: /listening/ })
  await fetch(`${url}/healthz`)
  child.kill('SIGTERM')
  assert.equal(await exited, 0, log())
  assert.match(log(), /"msg":"stopped"/)
  assert.doesNotMatch(log(), /cannot serve/)
})

test('a request that never ends does not keep the process alive beyond the limit', async () => {
  const { child, url, exited } = await start({ SHUTDOWN_DELAY_MS: '0', SHUTDOWN_TIMEOUT_MS: '300' })
  const stuck = slowRequest(url)
  stuck.status.catch(() => {})
  await sleep(100)
  const start_ms = performance.now()
  child.kill('SIGTERM')
  assert.equal(await exited, 0)
  assert.ok(performance.now() - start_ms < 5000)
  await assert.rejects(stuck.status)
})

test('a bundle whose scores are not those of its golden requests is not served', async () => {
  const wrong = join(root, 'wrong')
  await writeTinyBundle(wrong, { golden_error: 0.01 })
  const { exited, log } = await start({ BUNDLE_DIR: wrong })
  assert.equal(await exited, 1)
  assert.match(log(), /scores are not those of the trainer.*worst difference 1\.00e-2/)
})

test('without a bundle the process ends and says what it looked for', async () => {
  const { exited, log } = await start({ BUNDLE_DIR: join(root, 'nothing') })
  assert.equal(await exited, 1)
  assert.match(log(), /nothing.manifest\.json/)
})

test('a wrong configuration stops the start with every problem', async () => {
  const { exited, log } = await start({ PORT: 'x', PRERANK_KERNEL: 'y' })
  assert.equal(await exited, 1)
  assert.match(log(), /2 problem\(s\)[\s\S]*PORT[\s\S]*PRERANK_KERNEL/)
})

test('no user id reaches the log at info level', async () => {
  const { child, url, log, exited } = await start({ SHUTDOWN_DELAY_MS: '0' })
  const send = (value: object) => fetch(`${url}/v1/prerank`, { method: 'POST', headers, body: JSON.stringify(value) })
  await send({ query: { text: 'my secret' }, user: { id: 'someone-private' }, candidates: [1] })
  await send({ query: { text: 'my secret' }, user: { id: 'someone-private', gender: 5 }, candidates: [1] })
  child.kill('SIGTERM')
  await exited
  assert.match(log(), /request refused/)
  assert.doesNotMatch(log(), /someone-private|my secret/)
})
