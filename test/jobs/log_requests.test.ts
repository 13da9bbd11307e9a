import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { requestsOfLog } from '../../src/jobs/eval/log_requests.ts'
import type { HeldOutRequest } from '../../src/jobs/eval/requests.ts'
import { countManifest, quietJob, RESOURCES, testFolder } from './support.ts'

const T = Date.UTC(2025, 0, 10)

type Event = {
  time: number
  user?: string
  query?: string
  item: number
  action: string
  request_id?: string
  country?: string
}

async function requestsOf(t: TestContext, log: Event[], requests_max = 1000): Promise<HeldOutRequest[]> {
  const events = join(await testFolder(t), 'events.jsonl')
  await writeFile(events, log.map((event) => JSON.stringify({ query: 'q', ...event })).join('\n'))
  const options = {
    events,
    manifest: countManifest(),
    split_ms: T,
    requests_max,
    bad_share_max: 0,
    resources: RESOURCES,
  }
  const requests: HeldOutRequest[] = []
  for await (const request of requestsOfLog({ ...options, job: quietJob() })) requests.push(request)
  return requests
}

const shown = (request_id: string, time: number, items: number[], user = 'u1') =>
  items.map((item) => ({ time, user, item, action: 'impression', request_id, country: 'DE' }))

test('a request ranks what it showed, with the strongest action as gain and the sequence of that moment', async (t) => {
  const found = await requestsOf(t, [
    { time: T - 2000, user: 'u1', item: 5, action: 'click' },
    { time: T - 1000, user: 'u2', item: 6, action: 'save' },
    ...shown('r1', T, [3, 1, 2]),
    { time: T + 10, user: 'u1', item: 1, action: 'click', request_id: 'r1' },
    { time: T + 20, user: 'u1', item: 1, action: 'save', request_id: 'r1' },
    { time: T + 30, user: 'u1', item: 2, action: 'short_click', request_id: 'r1' },
    ...shown('r2', T + 100, [8, 9]),
    { time: T + 110, user: 'u1', item: 9, action: 'long_click', request_id: 'r2' },
  ])
  const user = (sequence: object[]) => ({ id: 'u1', country: 'DE', sequence })
  const before = { item: 5, action: 'click', time: T - 2000 }
  const first = [
    { item: 1, action: 'save', time: T + 20 },
    { item: 1, action: 'click', time: T + 10 },
  ]
  assert.deepEqual(found, [
    { now_ms: T, request: { query: { text: 'q' }, user: user([before]), candidates: [1, 2, 3] }, engaged: { 1: 3 } },
    {
      now_ms: T + 100,
      request: { query: { text: 'q' }, user: user([...first, before]), candidates: [8, 9] },
      engaged: { 9: 2 },
    },
  ])
})

test('requests before the split, without engagement, or with one item are left out', async (t) => {
  const click = (request_id: string, time: number, item: number) => ({
    time,
    user: 'u1',
    item,
    action: 'click',
    request_id,
  })
  const found = await requestsOf(t, [
    ...shown('early', T - 1, [1, 2]),
    click('early', T + 5, 1),
    ...shown('ignored', T + 1, [1, 2]),
    ...shown('single', T + 2, [1]),
    click('single', T + 3, 1),
    ...shown('good', T + 4, [1, 2]),
    click('good', T + 6, 2),
  ])
  assert.deepEqual(
    found.map(({ now_ms }) => now_ms),
    [T + 4],
  )
})

test('a sample is the same every time', async (t) => {
  const log = Array.from({ length: 300 }, (_, n) => [
    ...shown(`r${n}`, T + n * 10, [1, 2, 3]),
    { time: T + n * 10 + 5, user: 'u1', item: 2, action: 'click', request_id: `r${n}` },
  ]).flat()
  const [first, second] = [await requestsOf(t, log, 60), await requestsOf(t, log, 60)]
  assert.ok(first.length > 30 && first.length < 90, `${first.length}`)
  assert.deepEqual(first, second)
})

test('a log without request ids is told to bring them', async (t) => {
  await assert.rejects(
    requestsOf(t, [{ time: T + 1, user: 'u', item: 1, action: 'click' }]),
    /expected a log with request_id and impressions/,
  )
})

test('a request id that several searches share is refused', async (t) => {
  const click = (user: string, query: string) => ({
    time: T + 1,
    user,
    query,
    item: 1,
    action: 'click',
    request_id: 's1',
  })
  await assert.rejects(
    requestsOf(t, [...shown('s1', T, [1, 2]), click('u1', 'q'), click('u2', 'other')]),
    /request_id "s1": found 2 users and 2 queries, expected one search of one person/,
  )
})
