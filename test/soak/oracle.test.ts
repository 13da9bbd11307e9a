/** The oracle of the soak: it takes what the service answers, and nothing else. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { engage, eventBody } from '../lib/engagements.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'
import type { GivenAnswer } from './judge.ts'
import { type Oracle, openOracle } from './oracle.ts'

const HOUR_MS = 3_600_000
const user = { id: 'u1', country: 'DE' }
const body = { query: { text: 'red shoes' }, user, candidates: [1, 8, 15, 22, 29, 36, 43, 999_999, 8], top_k: 5 }

let service: TinyService
let oracle: Oracle
before(async () => {
  service = await startTinyService({ environment: { TOWER_PRECISION: 'float32' } })
  const { directory } = service.bundle
  oracle = await openOracle([directory], join(directory, 'features'))
})
after(async () => {
  await oracle.close()
  await service.stop()
})

async function answer(): Promise<GivenAnswer> {
  const { body: given } = await service.post(body)
  const { model, counts, degraded } = given
  return { model, counts, degraded, ids: Array.from(given.ids, String), scores: Array.from(given.scores) }
}

function check(given: GivenAnswer, { losing = false } = {}): Promise<string | null> {
  return oracle.check({ body, answer: given, now_ms: Date.now(), versions: ['1'], losing })
}

test('what the service answers is right', async () => {
  assert.equal(await check(await answer()), null)
})

test('a wrong score, order, choice, count or version is found', async () => {
  const right = await answer()
  const [first, second, ...rest] = right.scores
  assert.match(`${await check({ ...right, scores: [first + 0.01, second, ...rest] })}`, /has score .*, expected/)
  const swapped = [right.ids[1], right.ids[0], ...right.ids.slice(2)]
  assert.match(`${await check({ ...right, ids: swapped })}`, /has score .*, expected/)
  assert.match(`${await check({ ...right, ids: right.ids.with(1, right.ids[0]) })}`, /stands there twice/)
  assert.match(`${await check({ ...right, ids: right.ids.slice(1), scores: rest })}`, /ids, expected 5/)
  assert.match(`${await check({ ...right, counts: { ...right.counts, unknown: 0 } })}`, /^counts/)
  assert.match(`${await check({ ...right, model: { version: '2' } })}`, /version 2, expected 1/)
  assert.match(`${await check({ ...right, ids: right.ids.with(4, '999999') })}`, /no candidate, or has no row/)
})

test('an answer that lacks features and does not say so is found, and the other way round', async () => {
  const right = await answer()
  for (const degraded of [['sequence'], ['cross_counts'], ['sequence', 'cross_counts']]) {
    assert.match(`${await check({ ...right, degraded })}`, /expected/)
  }
})

test('an answer that does not know the last engagement is found', async () => {
  const before_it = await answer()
  const time = Date.now() - HOUR_MS
  const events = [eventBody({ user, item: 22, time, query: body.query })]
  const told = await engage(service, events)
  assert.deepEqual(await oracle.engaged(events), told.outcomes)
  assert.equal(await check(await answer()), null)
  assert.match(`${await check(before_it)}`, /expected/)
  assert.match(`${await check(before_it, { losing: true })}`, /null/, 'while data is being lost, it may be right')
})
