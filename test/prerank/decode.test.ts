import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '../../src/errors.ts'
import { acceptedBy } from '../../src/prerank/accepted.ts'
import { createDecode, type DecodeLimits } from '../../src/prerank/decode.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const limits: DecodeLimits = { candidates_max: 1000, explain_max: 10, unknown_features: 'reject' }
const integers = acceptedBy(tinyManifest())
const texts = acceptedBy(tinyManifest({ id_kind: 'string' }))
const decode = createDecode(limits)
const withCandidates = (candidates: unknown) => ({ query: { text: 'x' }, candidates })

test('what a request may carry follows from the bundle', () => {
  assert.deepEqual(integers.heads, ['engagement', 'save', 'long_click'])
  assert.deepEqual(integers.columns, ['bm25'])
  assert.deepEqual(
    [...integers.features],
    [
      ['user.features.age', null],
      ['query.features.length', null],
      ['query.embedding', 4],
    ],
  )
})

test('integer ids become the same keys as numbers, decimal texts and typed arrays', () => {
  const key = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  const safe = fc.maxSafeNat()
  fc.assert(
    fc.property(fc.array(key, { minLength: 1 }), fc.array(safe, { minLength: 1 }), (keys, numbers) => {
      const expected = { keys: BigUint64Array.from(keys) }
      assert.deepEqual(decode(withCandidates(keys.map(String)), integers).candidates, expected)
      assert.deepEqual(decode(withCandidates(BigUint64Array.from(keys)), integers).candidates, expected)
      const small = { keys: BigUint64Array.from(numbers, BigInt) }
      assert.deepEqual(decode(withCandidates(numbers), integers).candidates, small)
    }),
  )
})

test('text ids stay texts; a typed array carries their keys', () => {
  assert.deepEqual(decode(withCandidates(['a', 'é']), texts).candidates, { ids: ['a', 'é'] })
  assert.deepEqual(decode(withCandidates(Uint32Array.of(7)), texts).candidates, { keys: BigUint64Array.of(7n) })
  for (const ids of [[1], [''], ['a'.repeat(513)], [null]]) {
    assert.throws(() => decode(withCandidates(ids), texts), /candidates\[0\]: found .*, expected a text of 1 to 512/)
  }
})

test('numbers arrive as float32 from whatever array they come in', () => {
  const body = (bm25: unknown) => ({ ...withCandidates([1, 2, 3]), candidate_features: { bm25 } })
  const forms = [[1, 0.5, 3], Float32Array.of(1, 0.5, 3), Float64Array.of(1, 0.5, 3), Float16Array.of(1, 0.5, 3)]
  for (const form of forms) {
    assert.deepEqual(decode(body(form), integers).candidate_features, { bm25: Float32Array.of(1, 0.5, 3) })
  }
  assert.deepEqual(decode(body(Uint16Array.of(1, 2, 3)), integers).candidate_features, {
    bm25: Float32Array.of(1, 2, 3),
  })
  assert.deepEqual(decode(body([1, null, 3]), integers).candidate_features, { bm25: Float32Array.of(1, Number.NaN, 3) })
  assert.throws(() => decode(body(BigUint64Array.of(1n, 2n, 3n)), integers), /an array of 3 numbers/)
})

test('names that the bundle does not declare are refused, or left out where that is configured', () => {
  const body = {
    query: { text: 'x', features: { length: 2, mood: 1 } },
    user: { features: { height: [1, 2] } },
    candidates: [1],
    candidate_features: { bm25: [1], rank: [1] },
  }
  assert.throws(() => decode(body, integers), { code: 'unknown_field' })
  const lenient = createDecode({ ...limits, unknown_features: 'ignore' })(body, integers)
  assert.deepEqual(
    [lenient.query.features, lenient.user?.features, lenient.candidate_features],
    [{ length: 2 }, {}, { bm25: Float32Array.of(1) }],
  )
})

test('explain may be true, false, named ids, or both', () => {
  const explained = (explain: unknown) => decode({ ...withCandidates([1]), explain }, integers).explain
  assert.equal(explained(false), undefined)
  assert.deepEqual(explained(true), { survivors: true })
  assert.deepEqual(explained({ ids: [3] }), { survivors: false, named: { keys: BigUint64Array.of(3n) } })
  assert.deepEqual(explained({ survivors: true }), { survivors: true, named: undefined })
  assert.throws(() => explained({ ids: Array(11).fill(1) }), { code: 'too_many_candidates' })
})

test('any JSON value decodes or is refused as the caller’s mistake', () => {
  const value = fc.jsonValue()
  const part = fc.record({ query: value, candidates: value, user: value, explain: value, head_weights: value })
  fc.assert(
    fc.property(fc.oneof(value, part), (body) => {
      try {
        decode(body, integers)
      } catch (error) {
        assert.ok(error instanceof ServiceError && error.status < 500, `${error}`)
        assert.ok(error.message.length < 600)
      }
    }),
    { numRuns: 2000 },
  )
})
