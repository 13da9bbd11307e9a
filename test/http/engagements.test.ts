import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DAY_MS } from '../../src/day.ts'
import { engage, eventBody, postEngagements } from '../lib/engagements.ts'
import { assertProblem, type ExpectedProblem } from '../lib/problem.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService({ environment: { ENGAGEMENTS_MAX: '100' } })
})
after(() => service.stop())

const query = { text: 'never asked before' }
const metric = async (line: string) => {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
}
const explained = async (body: object) => {
  const answer = await service.post({ candidates: [8, 15], explain: { ids: [8] }, ...body })
  assert.equal(answer.status, 200, answer.body.detail)
  const features = answer.body.explain[0].features!
  return Object.fromEntries(Object.entries(features).map(([name, feature]) => [name.replace('cross.', ''), feature]))
}

test('the next request of the user sees the event in its sequence', async () => {
  const user = { id: 'fresh' }
  const request = { query: { text: 'red shoes' }, candidates: [8, 15, 22], user }
  const before = await service.post(request)
  const now = Date.now()
  const events = [15, 8, 22].map((item, index) => eventBody({ item, user, time: now - (index + 1) * 3_600_000 }))
  assert.deepEqual((await engage(service, events)).outcomes, ['applied', 'applied', 'applied'])
  const after = await service.post(request)
  const inline = events.map(({ item, action, time }) => ({ item, action, time }))
  const expected = await service.oracle({ ...request, user: { ...user, sequence: inline } } as never)
  const scores = new Map(expected.map(({ id, score }) => [Number(id), score]))
  assert.notDeepEqual(after.body.scores, before.body.scores)
  for (const [rank, id] of Array.from(after.body.ids).entries()) {
    assert.ok(Math.abs(after.body.scores[rank] - scores.get(Number(id))!) < 1e-4, `rank ${rank}`)
  }
})

test('the next request of the query sees the event in every cross feature, once', async () => {
  const user = { id: 'counted', country: 'FR' }
  const before = await explained({ query, user })
  assert.deepEqual([before.click.raw, before.click_country.raw, before.click_token.raw], [null, null, null])
  const event = eventBody({ user, query })
  for (const outcome of ['applied', 'duplicate']) {
    assert.deepEqual((await engage(service, [event])).outcomes, [outcome])
    const { click, save, click_country, click_token } = await explained({ query, user })
    const close = (found: number | null, expected: number) => assert.ok(Math.abs(found! - expected) < 1e-6, `${found}`)
    close(click.raw, 1 / (1 + 10))
    close(click_country.raw, 1 / (1 + 10))
    close(click_token.raw, 3 / (3 + 10))
    assert.equal(save.raw, null, 'no save yet: the column is missing')
  }
  const elsewhere = await explained({ query, user: { country: 'US' } })
  assert.equal(elsewhere.click_country.raw, null)
})

test('live counts add to those of the batch', async () => {
  const text = 'blue bag'
  const { totals, items } = service.bundle.counts.get('iqp:all:{blue bag}')!
  const batch = items.find(({ key }) => key === 8n)?.counts[1] ?? 0
  await engage(
    service,
    [1, 2, 3].map(() => eventBody({ action: 'save', query: { text } })),
  )
  const { save } = await explained({ query: { text } })
  assert.ok(Math.abs(save.raw! - (batch + 3) / (totals[1] + 3 + 10)) < 1e-9, `${save.raw}`)
})

test('every event is told what became of it', async () => {
  const now = Date.now()
  const user = { id: 'told' }
  const first = eventBody({ user, time: now - 5000 })
  const answer = await postEngagements(service, {
    request_id: 'outcomes',
    events: [
      first,
      first,
      eventBody({ user, time: now - 4000 }),
      eventBody({ user, time: now - DAY_MS - 10_000 }),
      eventBody({ user, time: now + 120_000 }),
      eventBody({ user: { country: 'DE' }, query, action: 'long_click' }),
    ],
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-request-id'), 'outcomes')
  assert.deepEqual(answer.body as object, {
    request_id: 'outcomes',
    outcomes: ['applied', 'duplicate', 'applied', 'late', 'future', 'ignored'],
    counts: { applied: 2, out_of_order: 0, duplicate: 1, late: 1, future: 1, ignored: 1, failed: 0 },
  })
  const older = await engage(service, [eventBody({ user, time: now - 9000 })])
  assert.deepEqual(older.outcomes, ['out_of_order'])
})

test('CBOR is as good as JSON, with wide item keys', async () => {
  const events = [eventBody({ item: 2n ** 64n - 1n }), eventBody({ item: '18446744073709551615' })]
  const answer = await engage(service, events, { cbor: true })
  assert.deepEqual(answer.outcomes, ['applied', 'applied'])
  const json = await postEngagements(service, { events: [eventBody()] }, { headers: { accept: 'application/cbor' } })
  assert.equal(json.headers.get('content-type'), 'application/cbor')
})

test('text ids are items too', async () => {
  const time = Date.now() - 3_600_000
  const texts = await startTinyService({ id_kind: 'string' })
  try {
    assert.deepEqual((await engage(texts, [eventBody({ item: 'item-3', user: { id: 'x' }, time })])).outcomes, [
      'applied',
    ])
    const request = { query: { text: 'red shoes' }, candidates: ['item-1', 'item-3'], user: { id: 'x' } }
    const { body } = await texts.post(request)
    const sequence = [{ item: 'item-3', action: 'click', time }]
    const [best] = await texts.oracle({ ...request, user: { sequence } } as never)
    assert.ok(Math.abs(body.scores[0] - best.score) < 1e-4)
    assertProblem(await postEngagements(texts, { events: [eventBody({ item: 3 })] }), {
      code: 'invalid_field',
      field: 'events[0].item',
    })
  } finally {
    await texts.stop()
  }
})

test('one wrong event refuses the batch, names the field and writes nothing', async () => {
  const user = { id: 'untouched' }
  const wrong: [Record<string, unknown>, ExpectedProblem][] = [
    [{ action: 'stare' }, { code: 'invalid_field', field: 'events[1].action' }],
    [{ action: 'toString' }, { code: 'invalid_field', field: 'events[1].action' }],
    [{ item: -1 }, { code: 'invalid_field', field: 'events[1].item' }],
    [{ item: '007' }, { code: 'invalid_field', field: 'events[1].item' }],
    [{ time: 1.5 }, { code: 'invalid_field', field: 'events[1].time' }],
    [{ time: 2 ** 48 }, { code: 'invalid_field', field: 'events[1].time' }],
    [{ item: undefined }, { code: 'missing_field', field: 'events[1].item' }],
    [{ id: '' }, { code: 'invalid_field', field: 'events[1].id' }],
    [{ id: 'x'.repeat(129) }, { code: 'invalid_field', field: 'events[1].id' }],
    [{ id: undefined }, { code: 'missing_field', field: 'events[1].id' }],
    [{ user: undefined }, { code: 'missing_field', field: 'events[1].user.id' }],
    [
      { user: { id: '}' } },
      {
        code: 'invalid_field',
        field: 'events[1].user.id',
        expected: /^a text of 1 to 512 characters that matches \^\[\^}]$/,
      },
    ],
    [
      { user: { id: 'x'.repeat(600) } },
      { code: 'invalid_field', field: 'events[1].user.id', found: /600/, expected: /^a text of 1 to 512 characters/ },
    ],
    [{ query: {} }, { code: 'missing_field', field: 'events[1].query.text' }],
    [{ colour: 1 }, { code: 'unknown_field', field: 'events[1].colour' }],
  ]
  for (const [changed, expected] of wrong) {
    assertProblem(await postEngagements(service, { events: [eventBody({ user }), eventBody(changed)] }), expected)
  }
  const { body } = await service.post({ query, user, candidates: [8], explain: true })
  const unseen = await service.post({ query, user: { id: 'nobody' }, candidates: [8], explain: true })
  assert.deepEqual(body.scores, unseen.body.scores)
})

test('bodies that are no batch are refused', async () => {
  assertProblem(await postEngagements(service, {}), { code: 'missing_field', field: 'events' })
  assertProblem(await postEngagements(service, []), { code: 'invalid_field', field: 'the body' })
  assertProblem(await postEngagements(service, { events: [] }), {
    code: 'invalid_field',
    field: 'events',
    expected: /^an array of 1 to 100 elements$/,
  })
  assertProblem(await postEngagements(service, { events: {} }), { code: 'invalid_field', field: 'events' })
  assertProblem(await postEngagements(service, Buffer.from('{"events":[')), { code: 'malformed_body' })
  assertProblem(await postEngagements(service, { events: Array(101).fill(eventBody()) }), {
    status: 413,
    code: 'too_many_events',
    field: 'events',
    found: /101 events/,
  })
  const get = await fetch(`${service.url}/v1/engagements`)
  assert.equal(get.status, 405)
})

test('metrics count outcomes and know how fresh events and counts are', async () => {
  const started = await metric('prerank_engagements_total{outcome="duplicate"}')
  const event = eventBody({ time: Date.now() - 1000, user: { id: 'metered' } })
  await engage(service, [event, event])
  assert.equal(await metric('prerank_engagements_total{outcome="duplicate"}'), started + 1)
  assert.ok((await metric('prerank_engagement_delay_seconds_count')) > 0)
  await service.post({ query: { text: 'red shoes' }, candidates: [8] })
  assert.ok((await metric('prerank_newest_event_age_seconds')) < 60)
  const built_s = (Date.now() - service.bundle.now_ms + DAY_MS) / 1000
  assert.ok(Math.abs((await metric('prerank_batch_build_age_seconds')) - built_s) < 60)
  assert.ok((await metric('prerank_feature_reads_total{feature="live_counts",outcome="hit"}')) > 0)
})
