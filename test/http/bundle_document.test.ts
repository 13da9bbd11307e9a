/** What a running service says about its bundle in the OpenAPI document is what it accepts. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Compile } from 'typebox/schema'
import { assertProblem } from '../lib/problem.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

type Schemas = Record<'PrerankRequest' | 'Engagements', object>

let service: TinyService
let schemas: Schemas
before(async () => {
  service = await startTinyService()
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as { components: { schemas: Schemas } }
  schemas = document.components.schemas
})
after(() => service.stop())

const body = { query: { text: 'red shoes' }, candidates: [1, 8] }
const event = { item: 8, action: 'click', time: 1_760_000_000_000 }

const GOOD: object[] = [
  body,
  { ...body, candidates: ['0', '18446744073709551615', '9999999999999999999', 7] },
  { ...body, candidate_features: { bm25: [1, null] } },
  { ...body, head_weights: { save: 0, engagement: 1 } },
  { ...body, query: { text: 'red shoes', embedding: [1e15, 2, 3, -1e15], features: { length: 1e15 } } },
  { ...body, user: { id: 'u', sequence: [event] } },
]

const WRONG: object[] = [
  { ...body, candidates: ['18446744073709551616'] },
  { ...body, candidates: ['20000000000000000000'] },
  { ...body, candidates: ['18446744073709551620'] },
  { ...body, candidates: ['007'] },
  { ...body, candidates: ['shoe'] },
  { ...body, candidate_features: { bm26: [1, 2] } },
  { ...body, head_weights: { save: 0 } },
  { ...body, head_weights: { saves: 1 } },
  { ...body, user: { id: 'u', sequence: [{ ...event, action: 'clack' }] } },
  { ...body, query: { text: 'red shoes', features: { no_such: 1 } } },
  { ...body, query: { text: 'red shoes', features: { length: 1e16 } } },
  { ...body, query: { text: 'red shoes', embedding: [1, 2, 3, 1e16] } },
]

test('requests that the served document calls good are answered, and wrong ones refused', async () => {
  const schema = Compile(schemas.PrerankRequest)
  for (const good of GOOD) {
    assert.ok(schema.Check(good), JSON.stringify(good))
    assert.equal((await service.post(good)).status, 200, JSON.stringify(good))
  }
  for (const wrong of WRONG) {
    assert.ok(!schema.Check(wrong), JSON.stringify(wrong))
    const answer = await service.post(wrong)
    assertProblem(answer, { code: answer.body.code })
  }
})

test('engagements name an action of the bundle, and a user or a query', () => {
  const schema = Compile(schemas.Engagements)
  const check = (one: object) => schema.Check({ events: [{ id: 'e', ...event, ...one }] })
  assert.deepEqual(
    [{ user: { id: 'u' } }, { query: { text: 'q' } }, { user: { id: 'u' }, query: { text: 'q' } }].map(check),
    [true, true, true],
  )
  assert.deepEqual(
    [{}, { user: {} }, { user: { id: 'u' }, action: 'clack' }, { user: { id: 'u' }, item: 'shoe' }].map(check),
    [false, false, false, false],
  )
})
