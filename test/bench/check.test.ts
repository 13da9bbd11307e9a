import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Baseline, judge, type Ratio } from '../../bench/check/compare.ts'

const ratio = (name: string, value: number): Ratio => ({ name, what: name, value })
const baseline: Baseline = { loss_max: 0.3, machine: 'one', ratios: [ratio('kernel', 2), ratio('service', 0.4)] }
const lost = (...attempts: Ratio[][]) => judge(baseline, attempts).flatMap(({ name, ok }) => (ok ? [] : [name]))

test('a ratio fails when it lost more than the baseline allows, and not before', () => {
  assert.deepEqual(lost([ratio('kernel', 1.41), ratio('service', 0.4)]), [])
  assert.deepEqual(lost([ratio('kernel', 1.39), ratio('service', 0.4)]), ['kernel'])
  assert.deepEqual(lost([ratio('kernel', 5), ratio('service', 0.1)]), ['service'])
})

test('a loss that does not come again is noise, one that comes every time is not', () => {
  const slow = [ratio('kernel', 1), ratio('service', 0.1)]
  assert.deepEqual(lost(slow, [ratio('kernel', 2), ratio('service', 0.1)]), ['service'])
  assert.deepEqual(lost(slow, slow, slow), ['kernel', 'service'])
})

test('a ratio that the baseline lacks, or that is not measured, is an error and not a pass', () => {
  assert.throws(() => judge(baseline, [[ratio('kernel', 2)]]), /has service, which is not measured/)
  assert.throws(() => judge(baseline, [[...baseline.ratios, ratio('new', 1)]]), /has no new/)
})

test('the baseline has ratios above zero and allows 30 % of loss', () => {
  const stored: Baseline = JSON.parse(readFileSync(new URL('../../bench/baseline.json', import.meta.url), 'utf8'))
  assert.equal(stored.loss_max, 0.3)
  assert.ok(stored.ratios.length >= 5)
  for (const { name, value } of stored.ratios) assert.ok(value > 0 && Number.isFinite(value), name)
})
