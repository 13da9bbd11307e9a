/** The columns that the addon reads out of a JSON body are those that JSON.parse and the decoder make of it, errors included. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '../../src/errors.ts'
import { createBodyPool } from '../../src/http/body_pool.ts'
import { createReadColumns } from '../../src/http/json_columns.ts'
import { createReadPrerank } from '../../src/http/prerank_body.ts'
import { loadAddon } from '../../src/items/addon.ts'
import { type Accepted, acceptedBy } from '../../src/prerank/accepted.ts'
import { ParsedIds } from '../../src/prerank/parsed_ids.ts'
import { mutateBytes } from '../lib/mutate.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const { addon, problem } = loadAddon()
assert.ok(addon, problem ?? '')
const pool = createBodyPool({ bytes_max: 2 ** 20 })
const limits = { candidates_max: 1000, explain_max: 10, unknown_features: 'reject' as const }
const integers = acceptedBy(tinyManifest())
const texts = acceptedBy(tinyManifest({ id_kind: 'string' }))
const [fast, plain] = [addon, null].map((one) => createReadPrerank(one, { limits, pool }))
const readColumns = createReadColumns(addon, pool)

/** What a reader makes of a body: everything but the form in which candidates are kept. */
function outcome(read: typeof fast, bytes: Buffer, accepted: Accepted): unknown {
  try {
    const { body, decoded } = read(Buffer.from(bytes), 'json', accepted)
    const { candidates, ...request } = decoded
    const column = body.candidates as ParsedIds | unknown[]
    const sent = column instanceof ParsedIds ? Array.from(column.keys, (_, position) => column.at(position)) : column
    const keys = 'keys' in candidates ? candidates.keys : addon!.hashIds(candidates.ids)
    return { request, keys, sent, named: body.explain }
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, message: error.message }
    throw error
  }
}

const isFast = (bytes: Buffer, accepted: Accepted) => readColumns(bytes, accepted.id_kind) !== null

function assertSame(bytes: Buffer, accepted: Accepted): void {
  assert.deepEqual(outcome(fast, bytes, accepted), outcome(plain, bytes, accepted), bytes.toString('latin1'))
}

const IDS = 150
const ids = Array.from({ length: IDS }, (_, index) => 1 + 7 * index)
const column = ids.map((_, index) => (index % 5 ? index / 7 : null))
const integerBody = {
  query: { text: 'réd ] , " shoes' },
  candidates: ids,
  candidate_features: { bm25: column },
  top_k: 5,
}
const textBody = { ...integerBody, candidates: ids.map((id) => `item ${id} ü, ]`) }

test('numbers, decimal texts and texts are read in place', () => {
  const mixed = ids.map((id, index) => (index % 2 ? id : String(BigInt(id) * 2n ** 50n)))
  for (const [body, accepted] of [
    [integerBody, integers],
    [{ ...integerBody, candidates: mixed }, integers],
    [textBody, texts],
  ] as const) {
    for (const space of [undefined, 1, '\t']) {
      const bytes = Buffer.from(JSON.stringify(body, null, space))
      assert.ok(isFast(bytes, accepted), 'the addon reads it')
      assertSame(bytes, accepted)
    }
  }
})

/** JSON text of elements that are rare, wrong, or next to a limit. */
const ODD_ELEMENTS = [
  ...[
    '-0',
    '0',
    '00',
    '01',
    '1.0',
    '1e3',
    '1E+2',
    '-1',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '--1',
    '0x1',
    'NaN',
    'Infinity',
  ],
  ...['9007199254740991', '9007199254740992', '18446744073709551615', '18446744073709551616', '123456789012345678901'],
  ...[
    '"18446744073709551615"',
    '"18446744073709551616"',
    '"007"',
    '""',
    '"a\\u0062"',
    '"\\""',
    '"a\tb"',
    '"ü"',
    '"\u{1f600}"',
  ],
  ...[
    '"x',
    "'x'",
    'null',
    'nul',
    'nulll',
    'true',
    '[]',
    '[1]',
    '{}',
    '{"a":1}',
    '',
    ' ',
    '1 2',
    '1,',
    '"]"',
    `"${'y'.repeat(513)}"`,
  ],
  ...[
    '0.1',
    '1e400',
    '-1e400',
    '5e-324',
    '0.30000000000000004',
    '123456789012345.6',
    '1234567890123456.7',
    '3.4028236e38',
  ],
  ...[
    '16777217.000000001',
    '1.00000017881393421514957253748434595763683319091796875',
    '1e-46',
    '7.006492321624085e-46',
  ],
]

const ODD_MEMBERS = [
  ...[
    '"candidates":[1,2]',
    '"\\u0063andidates":[1]',
    '"candidates":null',
    '"candidate_features":{}',
    '"candidate_features":null',
  ],
  ...[
    '"candidate_features":[1]',
    '"candidate_features":{"bm25":[1]}',
    '"__proto__":{"candidates":[1]}',
    '"x":1',
    '"top_k":"]"',
  ],
]

function oddText(random: Random, body: typeof integerBody | typeof textBody): string {
  const pick = <T>(from: readonly T[]) => from[random.integer(from.length)]
  const elements = (values: readonly unknown[]) => {
    const written = values.map((value) => JSON.stringify(value))
    for (let odd = random.integer(3); odd > 0; odd--) written[random.integer(written.length)] = pick(ODD_ELEMENTS)
    return `[${written.join(pick([',', ', ', ' ,\n']))}]`
  }
  const columns = [`"bm25":${elements(body.candidate_features.bm25)}`]
  if (random.integer(8) === 0)
    columns.push(pick(['"bm25":[1]', '"__proto__":[1]', '"b\\u006d25":[1]', '"bm25":null', '"x":[]']))
  if (random.integer(16) === 0) columns.push(columns[0])
  const members = [
    `"query":${JSON.stringify(body.query)}`,
    `"candidates":${elements(body.candidates)}`,
    `"candidate_features":{${columns.join(',')}}`,
  ]
  if (random.integer(8) === 0) members.splice(random.integer(4), 0, pick(ODD_MEMBERS))
  return `{${members.join(pick([',', ' , ']))}}`
}

test('20,000 odd bodies end as with JSON.parse, in the same request or the same error', () => {
  const random = createRandom(5)
  const counts = { fast: 0, good: 0, bad: 0 }
  for (let round = 0; round < 20_000; round++) {
    const [body, accepted] = random.integer(2) ? [integerBody, integers] : [textBody, texts]
    const written = Buffer.from(oddText(random, body))
    const bytes = random.integer(3) ? written : mutateBytes(random, written)
    assertSame(bytes, random.integer(10) ? accepted : integers)
    counts.fast += Number(isFast(bytes, accepted))
    if ('code' in (outcome(plain, bytes, accepted) as object)) counts.bad++
    else counts.good++
  }
  for (const [name, count] of Object.entries(counts)) assert.ok(count > 2000, `${name}: ${count}`)
})

test('numbers are the float32 that JSON.parse gives', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true }),
    fc.float({ noNaN: true }),
    fc.integer(),
    fc.constantFrom(null, -0),
  )
  fc.assert(
    fc.property(fc.array(number, { minLength: IDS, maxLength: IDS }), (values) => {
      const written = { ...integerBody, candidate_features: { bm25: values } }
      const bytes = Buffer.from(JSON.stringify(written))
      assert.ok(isFast(bytes, integers))
      assertSame(bytes, integers)
    }),
    { numRuns: 500 },
  )
})

test('a parsed score is the float32 itself', () => {
  const bits = fc.uint32Array({ minLength: 1, maxLength: 2000 })
  const usual = fc.float32Array({ min: Math.fround(-1e9), max: Math.fround(1e9), minLength: 1, maxLength: 2000 })
  const tens = Array.from({ length: 80 }, (_, index) => Math.fround(10 ** (index - 45)))
  const around = Float32Array.from(
    tens.flatMap((value) => [value, -value, value * (1 + 2 ** -23), value * (1 - 2 ** -24)]),
  )
  const written = (scores: Float32Array) => {
    const text = addon.jsonAnswer('{"ids":[', null, null, new Uint32Array(scores.length), scores, ']}').toString()
    return JSON.parse(text).scores
  }
  const expected = (scores: Float32Array) => JSON.parse(JSON.stringify(Array.from(scores)))
  assert.deepEqual(written(around), expected(around))
  fc.assert(
    fc.property(
      fc.oneof(
        bits.map((values) => new Float32Array(values.buffer)),
        usual,
      ),
      (scores) => {
        assert.deepEqual(written(scores), expected(scores))
      },
    ),
    { numRuns: 500 },
  )
})
