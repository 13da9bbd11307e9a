import assert from 'node:assert/strict'
import { test } from 'node:test'
import { xxh32, xxh64 } from '../../src/features/hash.ts'
import { normalise, queryKey, textNgrams, tokens } from '../../src/features/text.ts'

test('hashes are the published ones, for text and bytes alike', () => {
  assert.equal(xxh32(''), 0x02cc5d05)
  assert.equal(xxh64(''), 0xef46db3751d8e999n)
  assert.equal(xxh64('abc'), 0x44bc2cf5ad770999n)
  assert.equal(xxh64(Buffer.from('abc')), xxh64('abc'))
  assert.equal(xxh32(Buffer.from('ü')), xxh32('ü'))
})

test('text is folded to NFKC, lower case and single spaces', () => {
  assert.equal(normalise('  Ｒｅｄ\u3000\t\u2028ﬁne  ÅNGSTRÖM '), 'red fine ångström')
  assert.equal(normalise(' \u0085 '), '')
})

test('tokens are runs of letters, numbers and marks', () => {
  assert.deepEqual(tokens("Men's T-shirt, 2½ नमस्ते"), ['men', 's', 't', 'shirt', '21', '2', 'नमस्ते'])
})

test('n-grams are words first, then characters, cut and padded to the length', () => {
  const options = { buckets: 1000, length: 8, word_ngrams: [1, 2], char_ngrams: [3] }
  const bucket = (feature: string) => 1 + (xxh32(feature) % 999)
  const expected = ['wab', 'wc', 'wab c', 'c<ab', 'cab>', 'c<c>'].map(bucket)
  assert.deepEqual([...textNgrams('AB c', options)], [...expected, 0, 0])
  assert.deepEqual([...textNgrams('AB c', { ...options, length: 2 })], expected.slice(0, 2))
})

test('a character n-gram counts code points, not code units', () => {
  const options = { buckets: 2 ** 24, length: 4, word_ngrams: [], char_ngrams: [3] }
  assert.deepEqual([...textNgrams('𝒜', options)].slice(1), [0, 0, 0])
})

test('awkward queries get a hashed key', () => {
  assert.equal(queryKey(' Red Shoes'), 'red shoes')
  assert.equal(queryKey('a'.repeat(128)), 'a'.repeat(128))
  for (const text of ['', '   ', 'a{b', '}', 'ü'.repeat(65)]) assert.match(queryKey(text), /^#[0-9a-f]{16}$/)
  assert.equal(queryKey(''), '#ef46db3751d8e999')
})
