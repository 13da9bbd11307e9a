import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldHeads, normalisedWeights } from '../../src/prerank/head_weights.ts'

const heads = [
  { name: 'engagement', default_weight: 2 },
  { name: 'save', default_weight: 1 },
  { name: 'long_click', default_weight: 1 },
]

test('without weights the defaults of the bundle hold, normalised', () => {
  assert.deepEqual(normalisedWeights(heads, undefined), [0.5, 0.25, 0.25])
})

test('heads that are not named weigh nothing', () => {
  assert.deepEqual(normalisedWeights(heads, { save: 3 }), [0, 1, 0])
})

test('weights are normalised whatever their size', () => {
  for (const size of [5e-324, 1e-9, 1, 1e9]) {
    assert.deepEqual(normalisedWeights(heads, { engagement: size, save: size }), [0.5, 0.5, 0])
  }
})

test('folding is the weighted sum of the head vectors', () => {
  const vectors = Float32Array.of(1, 2, 10, 20, 100, 200)
  assert.deepEqual(foldHeads(vectors, [0.5, 0.25, 0.25]), Float32Array.of(28, 56))
})
