import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBodyPool } from '../../src/http/body_pool.ts'

const KIB = 1024

test('memory that was given back is taken again for a body of its size class', () => {
  const pool = createBodyPool({ bytes_max: 1024 * KIB })
  const first = pool.take(100 * KIB)
  assert.equal(first.length, 100 * KIB)
  pool.give(first.subarray(0, 70 * KIB))
  const second = pool.take(128 * KIB)
  assert.equal(second.buffer, first.buffer)
  assert.notEqual(pool.take(128 * KIB).buffer, first.buffer, 'only one at a time has it')
})

test('giving back twice, or what was never taken, does nothing', () => {
  const pool = createBodyPool({ bytes_max: 1024 * KIB })
  const body = pool.take(100 * KIB)
  pool.give(body)
  pool.give(body)
  pool.give(Buffer.from(new ArrayBuffer(128 * KIB)))
  assert.equal(pool.take(100 * KIB).buffer, body.buffer)
  assert.notEqual(pool.take(100 * KIB).buffer, pool.take(100 * KIB).buffer)
})

test('no more than its limit is kept', () => {
  const pool = createBodyPool({ bytes_max: 256 * KIB })
  const bodies = Array.from({ length: 4 }, () => pool.take(128 * KIB))
  for (const body of bodies) pool.give(body)
  const again = Array.from({ length: 4 }, () => pool.take(128 * KIB))
  assert.equal(again.filter(({ buffer }) => bodies.some((body) => body.buffer === buffer)).length, 2)
})

test('every body starts on a multiple of 8', () => {
  const pool = createBodyPool({ bytes_max: 1024 * KIB })
  for (const bytes of [1, 1000, 1024, 1025, 65_536, 65_537]) assert.equal(pool.take(bytes).byteOffset % 8, 0)
})
