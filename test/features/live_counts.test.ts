import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '../../src/day.ts'
import { liveBlob, liveField, liveKey, unlistedField } from '../../src/features/live_counts.ts'
import { timeOf } from '../../src/features/sequence.ts'
import { liveRecords } from '../lib/live_records.ts'

const TODAY_MS = 20_000 * DAY_MS
const NOW_MS = TODAY_MS + 5000
const BIG = 2n ** 64n - 1n
/** Its low word is less than that of small keys. */
const HIGH = 2n ** 32n + 1n
const columns = [
  { name: 'click_90d', action: 'click', window_days: 90 },
  { name: 'click_2d', action: 'click', window_days: 2 },
  { name: 'save', action: 'save', window_days: 0 },
]
const options = { columns, actions: { click: 1, save: 2, hide: 3 }, since_ms: 0, now_ms: NOW_MS }

type Counted = { key?: bigint; action?: number; day?: number; count: number }

/** What a store answers: `day` is relative to today; without a key the items are not listed. */
function recordsOf(entries: Counted[]): Uint8Array {
  return liveRecords(
    entries.map(({ key, action = 1, day = 0, count }) => {
      const field = liveField({ key: key ?? 99n, action, time_ms: TODAY_MS + day * DAY_MS + 1234 })
      return { field: key === undefined ? unlistedField(field) : field, count }
    }),
  )
}

test('live counts lie beside their count blob, in its slot', () => {
  assert.equal(liveKey('iqp:country=DE:{red shoes}'), 'iqp-live:country=DE:{red shoes}')
  assert.equal(liveKey('iqp:token:{iqp:}'), 'iqp-live:token:{iqp:}')
})

test('a field is the event at the start of its day, with or without its item', () => {
  const field = liveField({ key: BIG, action: 255, time_ms: TODAY_MS + DAY_MS - 1 })
  const unlisted = unlistedField(field)
  assert.deepEqual([timeOf(field), timeOf(unlisted)], [TODAY_MS, TODAY_MS])
  assert.deepEqual([...unlisted], [...Array(8).fill(0), ...field.subarray(8, 14), 1, 255])
})

test('records become a count blob: items ascend, actions feed their columns, days add up', () => {
  const blob = liveBlob(
    recordsOf([
      { key: BIG, count: 3 },
      { key: HIGH, count: 6 },
      { key: 7n, count: 7 },
      { key: 5n, count: 1 },
      { key: 5n, day: -1, count: 4 },
      { key: 5n, action: 2, count: 2 },
      { count: 10 },
      { key: 6n, action: 3, count: 50 },
    ]),
    options,
  )!
  assert.deepEqual([...blob.keys], [5n, 7n, HIGH, BIG])
  assert.deepEqual([...blob.totals], [31, 31, 2])
  assert.deepEqual(
    [...blob.counts],
    [
      [5, 7, 6, 3],
      [5, 7, 6, 3],
      [2, 0, 0, 0],
    ].flat(),
  )
})

test('days that began before the batch build are in it', () => {
  const bytes = recordsOf([-2, -1, 0].map((day) => ({ key: 1n, day, count: 10 ** (day + 2) })))
  const since = (since_ms: number) => liveBlob(bytes, { ...options, since_ms })?.totals[0]
  assert.equal(since(TODAY_MS - DAY_MS), 110, 'a build at midnight: nothing twice, nothing lost')
  assert.equal(since(TODAY_MS - DAY_MS + 1), 100, 'a build later that day: nothing twice')
  assert.equal(since(TODAY_MS + 1), undefined)
})

test('days beyond the window of a column, and those to come, do not count', () => {
  const bytes = recordsOf([
    { key: 1n, day: -3, count: 1 },
    { key: 1n, day: -1, count: 2 },
    { key: 1n, day: 1, count: 4 },
    { key: 2n, day: -3, count: 8 },
  ])
  const { keys, totals, counts } = liveBlob(bytes, options)!
  assert.deepEqual([...keys], [1n, 2n])
  assert.deepEqual([...totals], [11, 2, 0])
  assert.deepEqual(
    [...counts],
    [
      [3, 8],
      [2, 0],
      [0, 0],
    ].flat(),
  )
})

test('records without a counted engagement add no blob', () => {
  assert.equal(liveBlob(new Uint8Array(), options), null)
  assert.equal(liveBlob(recordsOf([{ key: 1n, action: 3, count: 1 }]), options), null)
})

test('what are no records is refused', () => {
  assert.throws(() => liveBlob(new Uint8Array(30), options), /live counts: found 30 bytes, expected a multiple of 20/)
})
