import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBreaker } from '../../src/store/breaker.ts'

test('a breaker opens after failures in a row, lets one trial through per cooldown and closes on success', () => {
  let now_ms = 0
  const breaker = createBreaker({ failures_max: 3, cooldown_ms: 100 }, () => now_ms)
  breaker.failed()
  breaker.failed()
  breaker.succeeded()
  for (let time = 0; time < 3; time++) {
    assert.ok(breaker.allows())
    breaker.failed()
  }
  assert.ok(breaker.open && !breaker.allows())
  now_ms = 100
  assert.ok(breaker.allows(), 'the trial')
  assert.ok(!breaker.allows(), 'one only')
  breaker.failed()
  assert.ok(!breaker.allows())
  now_ms = 200
  assert.ok(breaker.allows())
  breaker.succeeded()
  assert.ok(!breaker.open && breaker.allows())
})

test('an open breaker that nobody tries says nothing about the node after a while', () => {
  let now_ms = 0
  const breaker = createBreaker({ failures_max: 1, cooldown_ms: 100 }, () => now_ms)
  breaker.failed()
  now_ms = 4999
  assert.ok(breaker.open)
  now_ms = 5000
  assert.ok(!breaker.open)
  assert.ok(breaker.allows())
})
