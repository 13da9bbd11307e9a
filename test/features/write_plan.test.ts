import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engagement } from '../../src/engagements/engagement.ts'
import { liveField } from '../../src/features/live_counts.ts'
import { readPlanner } from '../../src/features/plan.ts'
import { encodeEvents } from '../../src/features/sequence.ts'
import { planWrites } from '../../src/features/write_plan.ts'
import type { PrerankRequest } from '../../src/prerank/request.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const manifest = tinyManifest()
const event: Engagement = {
  id: 'e1',
  key: 8n,
  action: 1,
  time_ms: 1_760_000_000_000,
  user: { id: 'u17', country: 'DE' },
  query: { text: 'Red  Shoes red' },
}
const keysOf = (changed: Partial<Engagement>, of = manifest) =>
  planWrites(of, [{ ...event, ...changed }]).map(({ key }) => key)

test('what is written is what a request of that user and query reads', () => {
  const writes = planWrites(manifest, [event])
  const { read } = readPlanner(manifest)({ ...event, candidates: { ids: [] } } as PrerankRequest)
  assert.deepEqual(
    writes.map(({ key }) => key),
    [read.sequence, ...read.live],
  )
  assert.deepEqual([...writes[0].events[0].value], [...encodeEvents([event])])
  for (const { kind, events } of writes.slice(1)) {
    assert.equal(kind, 'live_counts')
    assert.deepEqual([...events[0].value], [...liveField(event)])
  }
})

test('without a query only the sequence grows, without a user only the counts', () => {
  assert.deepEqual(keysOf({ query: undefined }), ['seq:{u17}'])
  assert.deepEqual(keysOf({ user: undefined, query: { text: 'a' } }), ['iqp-live:all:{a}', 'iqp-live:token:{a}'])
})

test('an action that no column counts joins the sequence only', () => {
  assert.deepEqual(keysOf({ action: 3 }), ['seq:{u17}'])
})

test('a context value that is in no vocabulary makes no key', () => {
  const keys = keysOf({ user: { id: 'u', country: 'XX' } })
  assert.ok(keys.length > 1 && keys.every((key) => !key.includes('country')))
})

test('a bundle that reads nothing is written nothing', () => {
  const bare = { ...manifest, cross_features: [], query_tower: { ...manifest.query_tower, inputs: [] } }
  assert.deepEqual(keysOf({}, bare), [])
})

test('a key is written once, in the order of time, and knows whose events it holds', () => {
  const events = [3, 1, 2].map((at) => ({ ...event, id: `e${at}`, time_ms: event.time_ms + at, query: undefined }))
  const [write, ...rest] = planWrites(manifest, events)
  assert.deepEqual(rest, [])
  assert.deepEqual(write.engagements, [1, 2, 0])
  assert.equal(write.events.length, 3)
})

test('the same id of two users is two events, and of one user one', () => {
  const ids = planWrites(manifest, [event, { ...event, user: { id: 'u18' } }, { ...event, action: 3 }])
    .find(({ key }) => key === 'iqp-live:all:{red shoes red}')!
    .events.map(({ id }) => Buffer.from(id).toString('hex'))
  assert.equal(new Set(ids).size, 2)
  const [first, again] = [event, { ...event, action: 3 }].map((one) => planWrites(manifest, [one])[0].events[0].id)
  assert.deepEqual(first, again)
})
