import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '../../src/day.ts'
import { encodeCountBlob } from '../../src/features/counts.ts'
import { liveField } from '../../src/features/live_counts.ts'
import { readPlanner } from '../../src/features/plan.ts'
import { encodeEvents } from '../../src/features/sequence.ts'
import { answerReader } from '../../src/features/stored.ts'
import { type StoreAnswer, StoreError } from '../../src/store/store.ts'
import { liveRecords } from '../lib/live_records.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const NOW_MS = 1_760_000_000_000
const manifest = tinyManifest()
const plan = readPlanner(manifest)({
  query: { text: 'red shoes' },
  user: { id: 'u17', country: 'DE' },
  candidates: { ids: [] },
})

const blobAsOf = (as_of_ms: number) =>
  encodeCountBlob({
    columns: ['click_90d', 'save_1y'],
    as_of_ms,
    totals: Float64Array.of(10, 2),
    keys: BigUint64Array.of(7n),
    counts: Uint32Array.of(3, 1),
  })
const blob = blobAsOf(1)
const events = encodeEvents([{ key: 7n, action: 1, time_ms: 5 }])
const embedding = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)

function answer(changed: Partial<StoreAnswer> = {}): StoreAnswer {
  return {
    sequence: events,
    values: [blob, blob, blob, blob, embedding],
    live: [null, null, null, null],
    problems: [],
    ...changed,
  }
}

const reader = answerReader(manifest)
const readStored = (found: StoreAnswer) => reader(plan, found, NOW_MS)

const segments = (blobs: { segment: string }[]) => blobs.map(({ segment }) => segment)

test('a whole answer becomes sequence, blobs and embedding', () => {
  const stored = readStored(answer())
  assert.deepEqual([...stored.sequence!.keys], [7n])
  assert.deepEqual(segments(stored.blobs), ['all', 'country', 'token', 'token'])
  assert.deepEqual([...stored.embedding!], [1, 2, 3, 4])
  assert.deepEqual(stored.lost, [])
})

test('what is absent is missing, not lost', () => {
  const stored = readStored(answer({ sequence: null, values: [blob, null, null, blob, null] }))
  assert.equal(stored.sequence, null)
  assert.deepEqual(segments(stored.blobs), ['all', 'token'])
  assert.equal(stored.embedding, null)
  assert.deepEqual(stored.lost, [])
})

test('without an answer everything planned is lost', () => {
  const stored = reader(plan, { reason: 'late', message: 'no answer within 20 ms' }, NOW_MS)
  assert.deepEqual(stored.lost, [
    { feature: 'sequence', reason: 'late' },
    { feature: 'cross_counts', reason: 'late' },
    { feature: 'query_embedding', reason: 'late' },
  ])
  assert.deepEqual(stored.blobs, [])
  assert.deepEqual(stored.problems, ['no answer within 20 ms'])
})

test('a corrupt blob costs its segment and is named; the rest stays', () => {
  const corrupt = new Uint8Array(blob)
  corrupt[50] ^= 1
  const stored = readStored(answer({ values: [blob, blob, corrupt, blob, embedding] }))
  assert.deepEqual(segments(stored.blobs), ['all', 'country'])
  assert.deepEqual(stored.lost, [{ feature: 'cross_counts', reason: 'damaged' }])
  assert.equal(stored.problems.length, 1)
  assert.match(stored.problems[0], /^iqp:token:\{red\}: count blob: checksum: found 0x[0-9a-f]+, expected 0x/)
})

test('a blob of other columns is refused by schema', () => {
  const foreign = encodeCountBlob({
    columns: ['save_1y', 'click_90d'],
    as_of_ms: 1,
    totals: Float64Array.of(1, 1),
    keys: new BigUint64Array(),
    counts: new Uint32Array(),
  })
  const stored = readStored(answer({ values: [foreign, blob, blob, blob, embedding] }))
  assert.deepEqual(segments(stored.blobs), ['country', 'token', 'token'])
  assert.match(stored.problems[0], /^iqp:all:\{red shoes\}: count blob: schema \(of click_90d,save_1y\)/)
})

test('a corrupt sequence is named without the user', () => {
  const stored = readStored(answer({ sequence: new Uint8Array(5) }))
  assert.deepEqual(stored.lost, [{ feature: 'sequence', reason: 'damaged' }])
  assert.deepEqual(stored.problems, ['seq:{…}: sequence: found 5 bytes, expected a multiple of 16'])
})

test('an embedding of other dims is refused', () => {
  const stored = readStored(answer({ values: [blob, blob, blob, blob, new Uint8Array(12)] }))
  assert.equal(stored.embedding, null)
  assert.deepEqual(stored.lost, [{ feature: 'query_embedding', reason: 'damaged' }])
  assert.deepEqual(stored.problems, ['qemb:{red shoes}: query embedding: found 12 bytes, expected 16 (4 float32)'])
})

test('an embedding that a tower would make NaN of is refused', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1e30]) {
    const bytes = new Uint8Array(Float32Array.of(1, 2, wrong, 4).buffer)
    const stored = readStored(answer({ values: [blob, blob, blob, blob, bytes] }))
    assert.equal(stored.embedding, null)
    assert.deepEqual(stored.lost, [{ feature: 'query_embedding', reason: 'damaged' }])
    assert.match(stored.problems[0], /^qemb:\{red shoes\}: query embedding: dim 2: found .*, expected a number from/)
  }
})

test('keys that the store could not read are lost with its reason', () => {
  const error = new StoreError('late', 'no answer within 20 ms')
  const problems = [plan.read.sequence!, 'iqp:country=DE:{red shoes}'].map((key) => ({ key, error }))
  const stored = readStored(answer({ sequence: null, values: [blob, null, blob, blob, null], problems }))
  assert.deepEqual(stored.lost, [
    { feature: 'sequence', reason: 'late' },
    { feature: 'cross_counts', reason: 'late' },
  ])
  assert.deepEqual(segments(stored.blobs), ['all', 'token', 'token'])
  assert.deepEqual(stored.problems, ['no answer within 20 ms'], 'a reason is told once')
})

test('each lost feature has the reason of its own keys', () => {
  const problems = [{ key: plan.read.sequence!, error: new StoreError('nonsense', 'WRONGTYPE') }]
  const stored = readStored(answer({ values: [blob, blob, new Uint8Array(3), blob, embedding], problems }))
  assert.deepEqual(stored.lost, [
    { feature: 'sequence', reason: 'nonsense' },
    { feature: 'cross_counts', reason: 'damaged' },
  ])
})

test('bytes that come again are checked once', () => {
  const [first, second] = [readStored(answer()), readStored(answer())]
  assert.equal(first.blobs[0].counts, second.blobs[0].counts)
})

const DAYS_AGO_MS = NOW_MS - 2 * DAY_MS
const clicks = (key: bigint, ...times_ms: number[]) =>
  liveRecords(times_ms.map((time_ms) => ({ field: liveField({ key, action: 1, time_ms }), count: 2 })))

test('live counts stand behind the batch blobs, from the day of the build on', () => {
  const live = [clicks(9n, NOW_MS, DAYS_AGO_MS), null, clicks(9n, NOW_MS), null]
  const { blobs, lost } = readStored(answer({ live, values: [blobAsOf(NOW_MS - DAY_MS), blob, blob, blob, embedding] }))
  assert.deepEqual(segments(blobs), ['all', 'country', 'token', 'token', 'all', 'token'])
  assert.deepEqual(
    blobs.slice(4).map((one) => [one.live, [...one.counts.keys], [...one.counts.totals]]),
    [
      [true, [9n], [2, 0]],
      [true, [9n], [2, 0]],
    ],
    'an earlier day is in the batch',
  )
  assert.deepEqual(lost, [])
})

test('live counts without a batch blob count from the first day on', () => {
  const { blobs } = readStored(
    answer({ values: [null, null, null, null, null], live: [clicks(9n, DAYS_AGO_MS), null, null, null] }),
  )
  assert.deepEqual(
    blobs.map(({ segment, live }) => [segment, live]),
    [['all', true]],
  )
})

test('live counts that cannot be read leave those of the batch, and are named', () => {
  const error = new StoreError('nonsense', 'WRONGTYPE')
  const problems = [{ key: 'iqp-live:token:{red}', error }]
  const live = [new Uint8Array(3), null, null, clicks(9n, NOW_MS)]
  const stored = readStored(answer({ live, problems }))
  assert.deepEqual(segments(stored.blobs), ['all', 'country', 'token', 'token'], 'no half of the tokens either')
  assert.deepEqual(stored.lost, [{ feature: 'live_counts', reason: 'damaged' }], 'the reason of the first key')
  assert.match(stored.problems[1], /^iqp-live:all:\{…\}: live counts: found 3 bytes/)
})

test('where the batch is lost too, the counts are lost, and their live part is not used', () => {
  const error = new StoreError('late', 'no answer')
  const problems = ['iqp:all:{red shoes}', 'iqp-live:country=DE:{red shoes}'].map((key) => ({ key, error }))
  const stored = readStored(answer({ live: [clicks(9n, NOW_MS), null, null, null], problems }))
  assert.deepEqual(segments(stored.blobs), ['country', 'token', 'token'])
  assert.deepEqual(stored.lost, [{ feature: 'cross_counts', reason: 'late' }])
})
