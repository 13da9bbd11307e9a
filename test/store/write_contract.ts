/** What writing engagements does to every feature store; `open` makes an empty one. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { DAY_MS, dayOf } from '../../src/day.ts'
import { liveField } from '../../src/features/live_counts.ts'
import { decodeEvents, type EngagementEvent, encodeEvents } from '../../src/features/sequence.ts'
import type { FeatureStore, StoreWrite, WriteLimits } from '../../src/store/store.ts'
import { createRandom } from '../lib/random.ts'

export const WRITE_LIMITS: WriteLimits = {
  ids_ttl_ms: DAY_MS,
  ids_max: 1000,
  sequence_ttl_ms: 365 * DAY_MS,
  live_days: 3,
  live_items_max: 100,
}
const DEADLINE_MS = 2000
const NOW_MS = Date.now()

type Identified = EngagementEvent & { id: string }
type Changed = { now_ms?: number } & Partial<WriteLimits>

export const idOf = (id: string) => Uint8Array.from(Buffer.from(id.padEnd(8).slice(0, 8)))

export function sequenceWrite(key: string, events: Identified[]): StoreWrite {
  return {
    kind: 'sequence',
    key,
    events: events.map((event) => ({ id: idOf(event.id), value: encodeEvents([event]) })),
  }
}

export function countsWrite(key: string, events: Identified[]): StoreWrite {
  return { kind: 'live_counts', key, events: events.map((event) => ({ id: idOf(event.id), value: liveField(event) })) }
}

const event = (id: string, minutes_ago: number, key = 1n): Identified => ({
  id,
  key,
  action: 1,
  time_ms: NOW_MS - minutes_ago * 60_000,
})

export function writeContract(name: string, open: () => Promise<FeatureStore>): void {
  describe(`${name}, written`, () => {
    let store: FeatureStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    const write = (writes: StoreWrite[], { now_ms = NOW_MS, ...limits }: Changed = {}) =>
      store.write(writes, { now_ms, deadline_ms: DEADLINE_MS, limits: { ...WRITE_LIMITS, ...limits } })
    const sequenceOf = async (key: string) => {
      const { sequence } = await store.read({ sequence: key, values: [], live: [] }, DEADLINE_MS)
      return decodeEvents(sequence ?? new Uint8Array())
    }
    /** `day·action·key` → count; the key is `-` for items that are not listed. */
    const countsOf = async (key: string) => {
      const [bytes] = (await store.read({ sequence: null, values: [], live: [key] }, DEADLINE_MS)).live
      const counts: Record<string, number> = {}
      for (let at = 0; at < (bytes?.length ?? 0); at += 20) {
        const record = Buffer.from(bytes!.subarray(at, at + 20))
        const item = record[14] === 1 ? '-' : record.readBigUInt64LE(0)
        const day = (record.readUIntLE(8, 6) - dayOf(NOW_MS)) / DAY_MS
        counts[`${day}·${record[15]}·${item}`] = record.readUInt32LE(16)
      }
      return counts
    }
    const seq = () => `seq:{${randomUUID()}}`
    const live = () => `iqp-live:all:{${randomUUID()}}`

    test('events of a sequence are there at once, newest first', async () => {
      const key = seq()
      assert.deepEqual(await write([sequenceWrite(key, [event('a', 3, 1n), event('b', 2, 2n)])]), [
        ['applied', 'applied'],
      ])
      assert.deepEqual(await write([sequenceWrite(key, [event('c', 1, 3n)])]), [['applied']])
      const { keys, times_ms, actions } = await sequenceOf(key)
      assert.deepEqual([...keys], [3n, 2n, 1n])
      assert.deepEqual([times_ms[0], actions[0]], [NOW_MS - 60_000, 1])
    })

    test('an event that comes again changes nothing, also within one write', async () => {
      const [key, counts] = [seq(), live()]
      const writes = (events: Identified[]) => [sequenceWrite(key, events), countsWrite(counts, events)]
      const applied_once = ['applied', 'duplicate']
      assert.deepEqual(await write(writes([event('a', 1), event('a', 1)])), [applied_once, applied_once])
      assert.deepEqual(await write(writes([event('a', 1)])), [['duplicate'], ['duplicate']])
      assert.equal((await sequenceOf(key)).keys.length, 1)
      assert.deepEqual(Object.values(await countsOf(counts)), [1])
    })

    test('every key remembers ids for itself, so that half a write can be sent again', async () => {
      const [key, counts] = [seq(), live()]
      await write([sequenceWrite(key, [event('a', 1)])])
      const again = await write([sequenceWrite(key, [event('a', 1)]), countsWrite(counts, [event('a', 1)])])
      assert.deepEqual(again, [['duplicate'], ['applied']])
    })

    test('an event that is older than the newest stands where its time puts it', async () => {
      const key = seq()
      await write([sequenceWrite(key, [event('a', 9, 1n), event('b', 5, 2n), event('c', 1, 3n)])])
      const late = [event('d', 10, 4n), event('e', 7, 5n), event('f', 3, 6n), event('g', 1, 7n)]
      const outcomes = ['out_of_order', 'out_of_order', 'out_of_order', 'applied']
      assert.deepEqual(await write([sequenceWrite(key, late)]), [outcomes])
      assert.deepEqual([...(await sequenceOf(key)).keys], [7n, 3n, 6n, 2n, 5n, 1n, 4n])
    })

    test('a sequence keeps the hundred newest, whatever the order they came in', async () => {
      const key = seq()
      const events = Array.from({ length: 250 }, (_, index) => event(`${index}`, index, BigInt(index)))
      const random = createRandom(5)
      const mixed = events.map((one) => ({ one, at: random.uniform() })).sort((a, b) => a.at - b.at)
      for (let at = 0; at < mixed.length; at += 25) {
        await write([
          sequenceWrite(
            key,
            mixed.slice(at, at + 25).map(({ one }) => one),
          ),
        ])
      }
      const { keys } = await sequenceOf(key)
      assert.deepEqual(
        [...keys],
        Array.from({ length: 100 }, (_, index) => BigInt(index)),
      )
    })

    test('live counts grow by item, action and day', async () => {
      const key = live()
      const yesterday = { ...event('d', 0, 1n), time_ms: dayOf(NOW_MS) - 1 }
      const saved = { ...event('e', 0, 1n), action: 2, time_ms: NOW_MS }
      const today = ['a', 'b', 'c'].map((id) => ({
        ...event(id, 0, id === 'c' ? 2n ** 64n - 1n : 1n),
        time_ms: NOW_MS,
      }))
      await write([countsWrite(key, [...today, yesterday, saved])])
      const expected = { '0·1·1': 2, '0·1·18446744073709551615': 1, '0·2·1': 1, '-1·1·1': 1 }
      assert.deepEqual(await countsOf(key), expected)
    })

    test('a day lists so many items; others count without their key', async () => {
      const key = live()
      const events = Array.from({ length: 6 }, (_, index) => ({
        ...event(`${index}`, 0, BigInt(index % 4)),
        time_ms: NOW_MS,
      }))
      await write([countsWrite(key, events)], { live_items_max: 2 })
      assert.deepEqual(await countsOf(key), { '0·1·0': 2, '0·1·1': 2, '0·1·-': 2 })
    })

    test('the first event of a day removes the days before those that are kept', async () => {
      const key = live()
      const on = (day: number) => ({ ...event(`${day}`, 0), time_ms: dayOf(NOW_MS) + day * DAY_MS })
      for (const day of [-4, -3, -2, -1]) {
        await write([countsWrite(key, [on(day)])], { now_ms: on(day).time_ms, live_items_max: 1, live_days: 30 })
      }
      assert.equal(Object.keys(await countsOf(key)).length, 4)
      await write([countsWrite(key, [on(0)])])
      assert.deepEqual(await countsOf(key), { '-2·1·1': 1, '-1·1·1': 1, '0·1·1': 1 })
    })

    test('a key remembers so many ids, and for so long', async () => {
      const key = seq()
      await write([sequenceWrite(key, [event('a', 5), event('b', 4), event('c', 3)])], { ids_max: 2 })
      const outcomes = await write([sequenceWrite(key, [event('a', 5), event('c', 3)])])
      assert.deepEqual(outcomes, [['out_of_order', 'duplicate']])
      await write([sequenceWrite(key, [event('d', 2)])], { now_ms: NOW_MS + DAY_MS })
      assert.deepEqual(await write([sequenceWrite(key, [event('c', 3)])]), [['out_of_order']])
    })

    test('what is written expires', async () => {
      const [key, counts] = [seq(), live()]
      const past = { now_ms: NOW_MS - 10 * DAY_MS, sequence_ttl_ms: 1 }
      await write([sequenceWrite(key, [event('a', 1)])], past)
      await write([countsWrite(counts, [event('a', 1)])])
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.equal((await sequenceOf(key)).keys.length, 0)
      assert.equal(Object.keys(await countsOf(counts)).length, 1)
    })

    test('writes at once lose nothing and apply nothing twice', async () => {
      const [key, counts] = [seq(), live()]
      const events = Array.from({ length: 80 }, (_, index) => event(`${index}`, 80 - index, BigInt(index)))
      const all = [...events, ...events].map((one) => write([sequenceWrite(key, [one]), countsWrite(counts, [one])]))
      const outcomes = (await Promise.all(all)).flat(2)
      assert.equal(outcomes.filter((outcome) => outcome === 'duplicate').length, 160)
      assert.equal((await sequenceOf(key)).keys.length, 80)
      assert.equal(
        Object.values(await countsOf(counts)).reduce((sum, one) => sum + one, 0),
        80,
      )
    })

    test('nothing to write is no work', async () => {
      assert.deepEqual(await write([]), [])
    })
  })
}
