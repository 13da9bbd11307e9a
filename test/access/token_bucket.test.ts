import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fullBucket, take } from '../../src/access/token_bucket.ts'

const limits = { rate_per_s: 100, burst: 50 }

test('a bucket gives its burst, then as fast as it fills, and says how long it takes', () => {
  const bucket = fullBucket(limits, 0)
  assert.deepEqual(take(bucket, 50, { limits, now_ms: 0 }), { tokens: 0, wait_ms: 0, full_ms: 500 })
  assert.deepEqual(take(bucket, 10, { limits, now_ms: 50 }), { tokens: 5, wait_ms: 50, full_ms: 450 })
  assert.deepEqual(take(bucket, 10, { limits, now_ms: 100 }), { tokens: 0, wait_ms: 0, full_ms: 500 })
  assert.equal(take(bucket, 1, { limits, now_ms: 10_000 }).tokens, 49, 'never more than the burst')
})

test('a clock that goes back fills nothing', () => {
  const bucket = fullBucket(limits, 1000)
  take(bucket, 50, { limits, now_ms: 1000 })
  assert.equal(take(bucket, 1, { limits, now_ms: 500 }).wait_ms, 10)
})

test('whatever comes, no more is taken than burst + rate × time, and who waits as told is served', () => {
  const steps = fc.array(
    fc.record({ pause_ms: fc.integer({ min: 0, max: 300 }), count: fc.integer({ min: 1, max: 50 }) }),
  )
  fc.assert(
    fc.property(steps, (sequence) => {
      const bucket = fullBucket(limits, 0)
      let now_ms = 0
      let total = 0
      for (const { pause_ms, count } of sequence) {
        now_ms += pause_ms
        const { wait_ms } = take(bucket, count, { limits, now_ms })
        if (wait_ms === 0) total += count
        assert.ok(total <= limits.burst + (limits.rate_per_s * now_ms) / 1000 + 1e-6)
        const patient = { ...bucket }
        assert.equal(take(patient, count, { limits, now_ms: now_ms + wait_ms + 500 + 1e-6 }).wait_ms, 0)
      }
    }),
  )
})
