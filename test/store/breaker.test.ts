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
    assert.equal(breaker.ask(), 'go')
    breaker.failed()
  }
  assert.deepEqual([breaker.open, breaker.ask()], [true, 'stop'])
  now_ms = 100
  assert.equal(breaker.ask(), 'trial')
  assert.equal(breaker.ask(), 'stop', 'one only')
  breaker.failed()
  assert.equal(breaker.ask(), 'stop')
  now_ms = 200
  assert.equal(breaker.ask(), 'trial')
  breaker.succeeded()
  assert.deepEqual([breaker.open, breaker.ask()], [false, 'go'])
})

test('an open breaker that nobody tries says nothing about the node after a while', () => {
  let now_ms = 0
  const breaker = createBreaker({ failures_max: 1, cooldown_ms: 100 }, () => now_ms)
  breaker.failed()
  now_ms = 4999
  assert.ok(breaker.open)
  now_ms = 5000
  assert.ok(!breaker.open)
  assert.equal(breaker.ask(), 'trial')
})
