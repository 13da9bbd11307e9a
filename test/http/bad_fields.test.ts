import { after, before, test } from 'node:test'
import { assertProblem, type ExpectedProblem } from '../lib/problem.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService({ environment: { EXPLAIN_MAX: '5' } })
})
after(() => service.stop())

const valid = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }
const many = (length: number) => Array.from({ length }, (_, index) => index)

/** Each body as JSON and as CBOR; the problem must name the field, and say what was found and expected. */
const FIELDS: [string, object, ExpectedProblem][] = [
  [
    'a field with a name of a megabyte',
    { ...valid, ['x'.repeat(2 ** 20)]: 1 },
    { code: 'unknown_field', field: `${'x'.repeat(160)}…` },
  ],
  [
    'a request id that no header could carry',
    { ...valid, request_id: 'a\n' },
    { code: 'invalid_field', field: 'request_id', expected: /matches/ },
  ],
  [
    'a query of the wrong type',
    { ...valid, query: 'red shoes' },
    { code: 'invalid_field', field: 'query', found: /red shoes/, expected: /an object/ },
  ],
  [
    'a text of the wrong type',
    { ...valid, query: { text: 5 } },
    { code: 'invalid_field', field: 'query.text', found: /^5$/, expected: /a text/ },
  ],
  [
    'a text that is too long',
    { ...valid, query: { text: 'x'.repeat(9000) } },
    { code: 'invalid_field', field: 'query.text', found: /9000/, expected: /8192/ },
  ],
  ['a missing query', { candidates: [1] }, { code: 'missing_field', field: 'query' }],
  ['a missing text', { ...valid, query: {} }, { code: 'missing_field', field: 'query.text' }],
  ['missing candidates', { query: { text: '' } }, { code: 'missing_field', field: 'candidates' }],
  ['a field that is not known', { ...valid, topk: 3 }, { code: 'unknown_field', field: 'topk' }],
  [
    'a nested field that is not known',
    { ...valid, user: { name: 'x' } },
    { code: 'unknown_field', field: 'user.name' },
  ],
  [
    'an own property named __proto__',
    JSON.parse('{"query":{"text":"","__proto__":{}},"candidates":[1]}'),
    { code: 'unknown_field', field: 'query.__proto__' },
  ],
  [
    'candidates of the wrong type',
    { ...valid, candidates: 'abc' },
    { code: 'invalid_field', field: 'candidates', expected: /an array/ },
  ],
  [
    'candidates as an object',
    { ...valid, candidates: { 0: 1 } },
    { code: 'invalid_field', field: 'candidates', found: /an object/ },
  ],
  [
    'no candidates',
    { ...valid, candidates: [] },
    { code: 'invalid_field', field: 'candidates', expected: /at least one/ },
  ],
  ['a negative id', { ...valid, candidates: [1, -8] }, { code: 'invalid_field', field: 'candidates[1]', found: /-8/ }],
  [
    'a fractional id',
    { ...valid, candidates: [1, 8, 1.5] },
    { code: 'invalid_field', field: 'candidates[2]', found: /1\.5/ },
  ],
  [
    'an id with leading zeros',
    { ...valid, candidates: ['007'] },
    { code: 'invalid_field', field: 'candidates[0]', found: /007/ },
  ],
  [
    'an id beyond 64 bits',
    { ...valid, candidates: ['18446744073709551616'] },
    { code: 'invalid_field', field: 'candidates[0]' },
  ],
  [
    'a nested candidate',
    { ...valid, candidates: [[1]] },
    { code: 'invalid_field', field: 'candidates[0]', found: /array/ },
  ],
  [
    'a million candidates',
    { ...valid, candidates: many(1_000_000) },
    { status: 413, code: 'too_many_candidates', field: 'candidates', found: /1000000/, expected: /200000/ },
  ],
  [
    'a negative top_k',
    { ...valid, top_k: -1 },
    { code: 'invalid_field', field: 'top_k', found: /-1/, expected: /from 1/ },
  ],
  ['a top_k of zero', { ...valid, top_k: 0 }, { code: 'invalid_field', field: 'top_k' }],
  ['a fractional top_k', { ...valid, top_k: 2.5 }, { code: 'invalid_field', field: 'top_k' }],
  [
    'a deadline of zero',
    { ...valid, deadline_ms: 0 },
    { code: 'invalid_field', field: 'deadline_ms', expected: /above 0/ },
  ],
  [
    'weights that sum to zero',
    { ...valid, head_weights: { engagement: 0, save: 0 } },
    { code: 'invalid_field', field: 'head_weights', expected: /above 0/ },
  ],
  ['no weights', { ...valid, head_weights: {} }, { code: 'invalid_field', field: 'head_weights' }],
  [
    'a negative weight',
    { ...valid, head_weights: { save: -1 } },
    { code: 'invalid_field', field: 'head_weights.save' },
  ],
  [
    'a weight of an unknown head',
    { ...valid, head_weights: { likes: 1 } },
    { code: 'unknown_field', field: 'head_weights.likes', expected: /engagement, save, long_click/ },
  ],
  [
    'a column that the bundle does not declare',
    { ...valid, candidate_features: { bm42: [1, 2, 3] } },
    { code: 'unknown_field', field: 'candidate_features.bm42', expected: /bm25/ },
  ],
  [
    'a column that is too short',
    { ...valid, candidate_features: { bm25: [1, 2] } },
    { code: 'invalid_field', field: 'candidate_features.bm25', found: /2/, expected: /3 numbers/ },
  ],
  [
    'a text in a column',
    { ...valid, candidate_features: { bm25: [1, 2, '3'] } },
    { code: 'invalid_field', field: 'candidate_features.bm25[2]' },
  ],
  [
    'columns in an array',
    { ...valid, candidate_features: [[1, 2, 3]] },
    { code: 'invalid_field', field: 'candidate_features', expected: /an object/ },
  ],
  [
    'an embedding of the wrong size',
    { ...valid, query: { text: '', embedding: [1, 2] } },
    { code: 'invalid_field', field: 'query.embedding', expected: /4 numbers/ },
  ],
  [
    'a null in an embedding',
    { ...valid, query: { text: '', embedding: [1, 2, null, 4] } },
    { code: 'invalid_field', field: 'query.embedding[2]', expected: /a number from/ },
  ],
  [
    'an embedding that a tower would make NaN of',
    { ...valid, query: { text: '', embedding: [1, 2, 3e38, 4] } },
    { code: 'invalid_field', field: 'query.embedding[2]', found: /3e\+38/, expected: /from −10\^15 to 10\^15/ },
  ],
  [
    'a feature that a tower would make NaN of',
    { ...valid, user: { features: { age: -1e300 } } },
    { code: 'invalid_field', field: 'user.features.age', expected: /from −10\^15 to 10\^15/ },
  ],
  [
    'a feature that the bundle does not declare',
    { ...valid, user: { features: { height: 3 } } },
    { code: 'unknown_field', field: 'user.features.height' },
  ],
  [
    'a vector where a number belongs',
    { ...valid, user: { features: { age: [3] } } },
    { code: 'invalid_field', field: 'user.features.age' },
  ],
  [
    'an unknown action',
    { ...valid, user: { sequence: [{ item: 1, action: 'stare', time: 1 }] } },
    { code: 'invalid_field', field: 'user.sequence[0].action', expected: /click, save, long_click/ },
  ],
  [
    'an event without a time',
    { ...valid, user: { sequence: [{ item: 1, action: 'click' }] } },
    { code: 'missing_field', field: 'user.sequence[0].time' },
  ],
  [
    'an event of no item',
    { ...valid, user: { sequence: [{ item: 'x1', action: 'click', time: 1 }] } },
    { code: 'invalid_field', field: 'user.sequence[0].item' },
  ],
  [
    'too many events',
    { ...valid, user: { sequence: Array(1001).fill({ item: 1, action: 'click', time: 1 }) } },
    { code: 'invalid_field', field: 'user.sequence', expected: /1000/ },
  ],
  ['an explain of the wrong type', { ...valid, explain: 'yes' }, { code: 'invalid_field', field: 'explain' }],
  ['an unknown option of explain', { ...valid, explain: { id: 1 } }, { code: 'unknown_field', field: 'explain.id' }],
  [
    'too many candidates to explain',
    { ...valid, explain: { ids: many(6) } },
    { status: 413, code: 'too_many_candidates', field: 'explain.ids' },
  ],
  [
    'too many survivors to explain',
    { ...valid, candidates: many(10), explain: true },
    { code: 'invalid_field', field: 'explain', expected: /lower top_k/ },
  ],
  ['a body that is an array', [1, 2], { code: 'invalid_field', field: 'the body' }],
]

for (const [name, body, expected] of FIELDS) {
  test(`refused in both formats: ${name}`, async () => {
    for (const cbor of [false, true]) assertProblem(await service.post(body, { cbor }), expected)
  })
}
