/** Fixtures that the trainer's Python wrote: both languages must agree on every byte. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Transform } from '../../src/bundle/manifest.ts'
import { encodeCountBlob, parseCountBlob } from '../../src/features/counts.ts'
import { xxh32, xxh64 } from '../../src/features/hash.ts'
import { decodeEvents, encodeEvents } from '../../src/features/sequence.ts'
import { type NgramOptions, normalise, queryKey, textNgrams, tokens } from '../../src/features/text.ts'
import { applyTransform } from '../../src/features/transform.ts'

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/formats/${name}.json`, import.meta.url), 'utf8'))
}

type TextFixture = {
  texts: { text: string; normalised: string; tokens: string[]; query_key: string }[]
  ngrams: { options: NgramOptions; buckets_of_texts: number[][] }[]
  hashes: { text: string; xxh32: number; xxh64: string }[]
}

test('text is normalised, split, keyed and hashed as in training', () => {
  const { texts, ngrams, hashes } = fixture<TextFixture>('text')
  for (const expected of texts) {
    const { text } = expected
    const found = { text, normalised: normalise(text), tokens: tokens(text), query_key: queryKey(text) }
    assert.deepEqual(found, expected)
  }
  for (const { options, buckets_of_texts } of ngrams) {
    for (const [index, buckets] of buckets_of_texts.entries()) {
      assert.deepEqual([...textNgrams(texts[index].text, options)], buckets, texts[index].text)
    }
  }
  for (const expected of hashes) {
    assert.equal(xxh32(expected.text), expected.xxh32)
    assert.equal(xxh64(expected.text), BigInt(`0x${expected.xxh64}`))
  }
})

type CountsFixture = {
  blobs: {
    columns: string[]
    as_of_ms: number
    totals: number[]
    keys: string[]
    counts: number[][]
    base64: string
  }[]
}

test('count blobs have the same bytes in both languages', () => {
  for (const { columns, base64, ...expected } of fixture<CountsFixture>('counts').blobs) {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
    const parsed = parseCountBlob(bytes, columns)
    assert.equal(parsed.as_of_ms, expected.as_of_ms)
    assert.deepEqual([...parsed.totals], expected.totals)
    assert.deepEqual([...parsed.keys], expected.keys.map(BigInt))
    assert.deepEqual([...parsed.counts], expected.counts.flat())
    assert.deepEqual(encodeCountBlob({ columns, ...parsed }), bytes)
  }
})

type EventsFixture = { events: { key: string; action: number; time_ms: number }[]; base64: string }

test('events have the same bytes in both languages', () => {
  const { events, base64 } = fixture<EventsFixture>('events')
  const bytes = encodeEvents(events.map((event) => ({ ...event, key: BigInt(event.key) })))
  assert.equal(Buffer.from(bytes).toString('base64'), base64)
  const decoded = decodeEvents(Buffer.from(base64, 'base64'))
  assert.deepEqual(
    [...decoded.keys],
    events.map((event) => BigInt(event.key)),
  )
  assert.deepEqual(
    [...decoded.actions],
    events.map((event) => event.action),
  )
  assert.deepEqual(
    [...decoded.times_ms],
    events.map((event) => event.time_ms),
  )
})

type Raw = number | 'inf' | '-inf'
type TransformFixture = { raw: (Raw | null)[]; cases: { transform: Transform; values: Raw[] }[] }

test('transforms give the same numbers in both languages', () => {
  const number = (raw: Raw) =>
    raw === 'inf' ? Number.POSITIVE_INFINITY : raw === '-inf' ? Number.NEGATIVE_INFINITY : raw
  const { raw, cases } = fixture<TransformFixture>('transform')
  for (const { transform, values } of cases) {
    for (const [index, x] of raw.entries()) {
      const found = applyTransform(transform, x === null ? undefined : number(x))
      const expected = number(values[index])
      const close = found === expected || Math.abs(found - expected) <= 1e-9 * Math.abs(expected)
      assert.ok(close, `${JSON.stringify(transform)} of ${x}: found ${found}, expected ${expected}`)
    }
  }
})
