import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createValueCache } from '../../src/store/value_cache.ts'

test('the cache stays within its bytes and drops the value that was used longest ago', () => {
  const cache = createValueCache({ bytes_max: 35_000, ttl_ms: 1000 }, () => 0)
  for (const key of ['a', 'b', 'c']) cache.set(key, new Uint8Array(9000))
  cache.get('a')
  cache.set('d', new Uint8Array(9000))
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => cache.get(key)?.byteLength),
    [9000, undefined, 9000, 9000],
  )
  assert.ok(cache.bytes <= 35_000)
})

test('a value larger than the cache is not kept, and does not push others out', () => {
  const cache = createValueCache({ bytes_max: 5000, ttl_ms: 1000 }, () => 0)
  cache.set('small', new Uint8Array(100))
  cache.set('large', new Uint8Array(5000))
  assert.equal(cache.get('large'), undefined)
  assert.equal(cache.get('small')?.byteLength, 100)
})

test('an absent key is known to be absent until its time is over', () => {
  let now_ms = 0
  const cache = createValueCache({ bytes_max: 2000, ttl_ms: 1000 }, () => now_ms)
  cache.set('gone', null)
  assert.equal(cache.get('gone'), null)
  now_ms = 1000
  assert.equal(cache.get('gone'), undefined)
})

test('one of many readers of an expired value renews it, the others are served it a little longer', () => {
  let now_ms = 0
  const cache = createValueCache({ bytes_max: 10_000, ttl_ms: 1000 }, () => now_ms)
  cache.set('hot', Uint8Array.of(1))
  now_ms = 1000
  const readers = Array.from({ length: 5 }, () => cache.get('hot')?.[0])
  assert.deepEqual(readers, [undefined, 1, 1, 1, 1])
  now_ms = 1100
  assert.equal(cache.get('hot'), undefined, 'nobody renewed it')
  assert.equal(cache.bytes, 0)
  cache.set('hot', Uint8Array.of(2))
  assert.equal(cache.get('hot')?.[0], 2)
})

test('replacing a value counts its bytes once', () => {
  const cache = createValueCache({ bytes_max: 10_000, ttl_ms: 1000 }, () => 0)
  cache.set('a', new Uint8Array(100))
  const once = cache.bytes
  cache.set('a', new Uint8Array(100))
  assert.equal(cache.bytes, once)
  cache.clear()
  assert.equal(cache.bytes, 0)
})

test('small values count the objects that they are kept in, absent ones nearly nothing', () => {
  const cache = createValueCache({ bytes_max: 2 ** 20, ttl_ms: 1000 }, () => 0)
  cache.set('absent', null)
  assert.ok(cache.bytes < 300)
  cache.set('small', new Uint8Array(88))
  assert.ok(cache.bytes > 2300)
})
