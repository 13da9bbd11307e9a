import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Source, TowerInput } from '../../src/bundle/manifest.ts'
import { textNgrams } from '../../src/features/text.ts'
import { compileInputs, type InputScope, type InputValue } from '../../src/tower/inputs.ts'

const identity = { kind: 'identity' as const, scale: 2, mean: 1, std: 1, missing: -9 }
const vocabularies = { country: ['DE', 'FR'] }

function fill({ source, shape, dtype = 'float32' }: { source: Source; shape: number[]; dtype?: TowerInput['dtype'] }) {
  const assembler = compileInputs([{ name: 'x', dtype, shape, source }], vocabularies)
  return (values: Record<string, InputValue>, scope: Partial<InputScope> = {}) => {
    const feed = assembler.create(1)
    feed[0].fill(77)
    assembler.fill(feed, 0, { value: (path) => values[path], ...scope })
    return [...feed[0]]
  }
}

test('texts are joined by a space before they are hashed; missing ones are left out', () => {
  const options = { buckets: 100, word_ngrams: [1, 2], char_ngrams: [] }
  const source = { kind: 'text_ngrams' as const, from: ['item.title', 'item.none', 'item.text'], ...options }
  const found = fill({ source, shape: [6], dtype: 'int32' })({ 'item.title': 'Red', 'item.text': 'shoes' })
  assert.deepEqual(found, [...textNgrams('red shoes', { ...options, length: 6 })])
})

test('a vocabulary gives index + 1, and 0 for what is missing or unknown', () => {
  const filled = fill({
    source: { kind: 'vocabulary', from: 'user.country', vocabulary: 'country' },
    shape: [1],
    dtype: 'int32',
  })
  assert.deepEqual(
    ['DE', 'FR', 'US'].map((country) => filled({ 'user.country': country })[0]),
    [1, 2, 0],
  )
  assert.deepEqual(filled({}), [0])
})

test('numbers are transformed one by one, missing and NaN ones replaced', () => {
  const source = {
    kind: 'numeric' as const,
    from: ['item.a', 'item.b', 'item.c'],
    transforms: [identity, identity, identity],
  }
  assert.deepEqual(fill({ source, shape: [3] })({ 'item.a': 3, 'item.b': Number.NaN }), [5, -9, -9])
})

test('a vector is copied, zeros when missing, refused at any other length', () => {
  const filled = fill({ source: { kind: 'vector', from: 'query.embedding' }, shape: [3] })
  assert.deepEqual(filled({ 'query.embedding': [1, 2, 3] }), [1, 2, 3])
  assert.deepEqual(filled({}), [0, 0, 0])
  assert.throws(() => filled({ 'query.embedding': [1, 2] }), {
    name: 'InputError',
    path: 'query.embedding',
    message: 'query.embedding: found 2 numbers, expected a vector of 3',
  })
  assert.throws(() => filled({ 'query.embedding': 'text' }), /found a string, expected a vector of 3/)
})

test('values of the wrong kind are refused by path', () => {
  const number = fill({ source: { kind: 'numeric', from: ['item.a'], transforms: [identity] }, shape: [1] })
  assert.throws(() => number({ 'item.a': 'x' }), /item.a: found text, expected one number/)
  const text = fill({
    source: { kind: 'vocabulary', from: 'item.a', vocabulary: 'country' },
    shape: [1],
    dtype: 'int32',
  })
  assert.throws(() => text({ 'item.a': [1, 2] }), /item.a: found 2 numbers, expected text/)
})

test('presence and constants', () => {
  const present = fill({ source: { kind: 'present', from: 'query.embedding' }, shape: [1] })
  assert.deepEqual([present({ 'query.embedding': [0] }), present({})], [[1], [0]])
  assert.deepEqual(fill({ source: { kind: 'constant', value: 0.5 }, shape: [2, 2] })({}), [0.5, 0.5, 0.5, 0.5])
})

test('sequence columns are padded with zeros and cut at their length', () => {
  const events = {
    length: 3,
    content: Float32Array.of(1, 2, 3, 4, 5, 6),
    actions: [7, 8, 9],
    ages_seconds: [10, 20, 30],
  }
  const column = (name: 'content' | 'action' | 'age_seconds' | 'mask', shape: number[]) =>
    fill({ source: { kind: 'sequence', column: name }, shape, dtype: name === 'action' ? 'int32' : 'float32' })(
      {},
      { events },
    )
  assert.deepEqual(column('content', [4, 2]), [1, 2, 3, 4, 5, 6, 0, 0])
  assert.deepEqual(column('content', [2, 2]), [1, 2, 3, 4])
  assert.deepEqual(column('action', [4]), [7, 8, 9, 0])
  assert.deepEqual(column('age_seconds', [2]), [10, 20])
  assert.deepEqual(column('mask', [4]), [1, 1, 1, 0])
  assert.deepEqual(fill({ source: { kind: 'sequence', column: 'mask' }, shape: [2] })({}), [0, 0])
})

test('top items are padded with zeros', () => {
  const topItems = () => ({ length: 1, content: () => Float32Array.of(1, 2), shares: Float32Array.of(0.25) })
  const read = (name: 'content' | 'mask' | 'share', shape: number[]) =>
    fill({ source: { kind: 'top_items', segment: 'all', column: 'click', read: name }, shape })({}, { topItems })
  assert.deepEqual(read('content', [2, 2]), [1, 2, 0, 0])
  assert.deepEqual(read('mask', [2]), [1, 0])
  assert.deepEqual(read('share', [2]), [0.25, 0])
})

test('rows of a batch do not touch each other', () => {
  const input: TowerInput = { name: 'x', dtype: 'float32', shape: [2], source: { kind: 'vector', from: 'item.v' } }
  const assembler = compileInputs([input], {})
  const feed = assembler.create(3)
  assembler.fill(feed, 1, { value: () => [1, 2] })
  assert.deepEqual([...feed[0]], [0, 0, 1, 2, 0, 0])
})
