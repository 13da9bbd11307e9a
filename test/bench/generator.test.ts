import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { closedLoop, openLoop, type Send } from '../../bench/service/generator.ts'
import { parseServerTiming, post } from '../../bench/service/http_client.ts'
import { percentile, summarise } from '../../bench/service/summary.ts'

const STALL_MS = 400
let stalled_until_ms = 0
let url: URL
const agent = new Agent({ keepAlive: true })
const server = createServer(async (request, response) => {
  request.resume()
  const wait_ms = stalled_until_ms - performance.now()
  if (wait_ms > 0) await sleep(wait_ms)
  response.setHeader('server-timing', 'decode;dur=1.5, kernel;desc="k";dur=2')
  response.statusCode = request.url === '/fails' ? 500 : 200
  response.end('{}')
})

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
after(async () => {
  agent.destroy()
  server.close()
  await once(server, 'close')
})

const sendTo =
  (path: string): Send =>
  (_, from_ms) =>
    post({ url: new URL(path, url), agent, body: Buffer.from('{}'), content_type: 'application/json', from_ms })

test('an open loop charges a stall to every request that was due in it', async () => {
  setTimeout(() => {
    stalled_until_ms = performance.now() + STALL_MS
  }, 200)
  const sample = await openLoop(sendTo('/'), { rate_per_s: 100, duration_ms: 1000, in_flight_max: 4 })
  const slow = sample.answers.filter(({ latency_ms }) => latency_ms > STALL_MS / 4).length
  assert.equal(sample.answers.length, 100)
  // 40 requests were due in 400 ms; those due in its first three quarters waited more than a quarter of it.
  assert.ok(slow >= 25, `${slow} slow ones`)
})

test('an open loop keeps its schedule', async () => {
  const { elapsed_ms, answers } = await openLoop(sendTo('/'), { rate_per_s: 200, duration_ms: 500, in_flight_max: 64 })
  assert.equal(answers.length, 100)
  assert.ok(elapsed_ms >= 490, `${elapsed_ms} ms`)
})

test('a closed loop goes on until both time and number of requests are reached', async () => {
  const sample = await closedLoop(sendTo('/'), { connections: 3, duration_ms: 1, requests_min: 50 })
  assert.ok(sample.answers.length >= 50)
})

test('a failed answer is counted and leaves the latencies alone', async () => {
  const sample = await closedLoop(sendTo('/fails'), { connections: 1, duration_ms: 1, requests_min: 5 })
  const { failures, requests_per_s, p50_ms } = summarise(sample)
  assert.equal(failures, sample.answers.length)
  assert.equal(requests_per_s, 0)
  assert.ok(Number.isNaN(p50_ms))
})

test('a summary has nearest-rank percentiles and the median of each stage', async () => {
  const ascending = Array.from({ length: 100 }, (_, index) => index + 1)
  assert.deepEqual(
    [50, 99, 100].map((percent) => percentile(ascending, percent)),
    [50, 99, 100],
  )
  assert.deepEqual(parseServerTiming('a;dur=0.25, b;desc="x";dur=3, c'), { a: 0.25, b: 3 })
  const sample = await closedLoop(sendTo('/'), { connections: 1, duration_ms: 1, requests_min: 3 })
  assert.deepEqual(summarise(sample).stages_ms, { decode: 1.5, kernel: 2 })
})
