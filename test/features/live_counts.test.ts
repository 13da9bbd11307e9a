import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, fieldDay, liveBlob, liveField, liveKey, relatedFields } from '../../src/features/live_counts.ts'

const TODAY_MS = 20_000 * DAY_MS
const NOW_MS = TODAY_MS + 5000
const BIG = 2n ** 64n - 1n
const columns = [
  { name: 'click_90d', action: 'click', window_days: 90 },
  { name: 'click_2d', action: 'click', window_days: 2 },
  { name: 'save', action: 'save', window_days: 0 },
]
const options = { columns, actions: { click: 1, save: 2, hide: 3 }, since_ms: 0, now_ms: NOW_MS }

type Counted = { key?: bigint; action?: number; day?: number; count: number }

/** What a store answers: `day` is relative to today; without a key the items are not listed. */
function hashOf(entries: Counted[]): Uint8Array[] {
  return entries.flatMap(({ key, action = 1, day = 0, count }) => {
    const field = liveField({ key: key ?? 0n, action, time_ms: TODAY_MS + day * DAY_MS + 1234 })
    return [key === undefined ? relatedFields(field).unlisted : field, Buffer.from(`${count}`)]
  })
}

test('the hash lies beside the count blob, in its slot', () => {
  assert.equal(liveKey('iqp:country=DE:{red shoes}'), 'iqp-live:country=DE:{red shoes}')
  assert.equal(liveKey('iqp:token:{iqp:}'), 'iqp-live:token:{iqp:}')
})

test('a field is the event at the start of its day', () => {
  const field = liveField({ key: BIG, action: 255, time_ms: TODAY_MS + DAY_MS - 1 })
  assert.equal(fieldDay(field), TODAY_MS)
  const { unlisted, day } = relatedFields(field)
  assert.deepEqual([unlisted.length, day.length, fieldDay(unlisted), fieldDay(day)], [8, 6, TODAY_MS, TODAY_MS])
})

test('the hash becomes a count blob: items ascend, actions feed their columns, days add up', () => {
  const blob = liveBlob(
    hashOf([
      { key: BIG, count: 3 },
      { key: 5n, count: 1 },
      { key: 5n, day: -1, count: 4 },
      { key: 5n, action: 2, count: 2 },
      { count: 10 },
      { key: 6n, action: 3, count: 50 },
    ]),
    options,
  )!
  assert.deepEqual([...blob.keys], [5n, BIG])
  assert.deepEqual([...blob.totals], [18, 18, 2])
  assert.deepEqual([...blob.counts], [5, 3, 5, 3, 2, 0])
})

test('days that began before the batch build are in it', () => {
  const hash = hashOf([-2, -1, 0].map((day) => ({ key: 1n, day, count: 10 ** (day + 2) })))
  const since = (since_ms: number) => liveBlob(hash, { ...options, since_ms })?.totals[0]
  assert.equal(since(TODAY_MS - DAY_MS), 110, 'a build at midnight: nothing twice, nothing lost')
  assert.equal(since(TODAY_MS - DAY_MS + 1), 100, 'a build later that day: nothing twice')
  assert.equal(since(TODAY_MS + 1), undefined)
})

test('days beyond the window of a column, and those to come, do not count', () => {
  const hash = hashOf([
    { key: 1n, day: -3, count: 1 },
    { key: 1n, day: -1, count: 2 },
    { key: 1n, day: 1, count: 4 },
  ])
  assert.deepEqual([...liveBlob(hash, options)!.totals], [3, 2, 0])
})

test('a hash without a counted engagement adds no blob', () => {
  assert.equal(liveBlob([], options), null)
  assert.equal(liveBlob(hashOf([{ key: 1n, action: 3, count: 1 }]), options), null)
  assert.equal(
    liveBlob([relatedFields(liveField({ key: 1n, action: 1, time_ms: 1 })).day, Buffer.from('1')], options),
    null,
  )
})

test('what is no field or no count is refused', () => {
  const [field] = hashOf([{ key: 1n, count: 1 }])
  assert.throws(
    () => liveBlob([Buffer.from('short'), Buffer.from('1')], options),
    /a field of 5 bytes, expected 16, 8 or 6/,
  )
  for (const value of ['', 'many', '0', '-1', '1.5', '4294967296']) {
    assert.throws(() => liveBlob([field, Buffer.from(value)], options), /a value that is not a count/, value)
  }
})
