import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHalf, toHalf } from '../../src/items/half.ts'

test('every finite half survives the way to a number and back', () => {
  for (let half = 0; half < 65536; half++) {
    if ((half & 0x7c00) === 0x7c00) continue
    assert.equal(toHalf(fromHalf(half)), half)
  }
})

test('halves are the numbers of IEEE 754 binary16', () => {
  const known = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x3555, 0.333251953125],
  ]
  for (const [half, number] of known) assert.equal(fromHalf(half), number)
})

test('numbers go to the nearest half, ties to even', () => {
  const step = 2 ** -10
  assert.equal(fromHalf(toHalf(1 + 0.5 * step)), 1)
  assert.equal(fromHalf(toHalf(1 + 1.5 * step)), 1 + 2 * step)
  assert.equal(fromHalf(toHalf(1 + 0.5001 * step)), 1 + step)
  assert.equal(fromHalf(toHalf(2.5 * 2 ** -24)), 2 * 2 ** -24)
  assert.equal(toHalf(65519), 0x7bff)
  assert.equal(toHalf(65520), 0x7c00)
  assert.equal(toHalf(-1e9), 0xfc00)
  assert.equal(toHalf(Number.NaN), 0x7e00)
  assert.equal(toHalf(-0), 0x8000)
  assert.equal(toHalf(2 ** -26), 0)
})
