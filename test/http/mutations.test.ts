import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRandom, type Random } from '../lib/random.ts'
import { inlineSequence } from '../lib/tiny_bundle.ts'
import { startTinyService, type TinyService, toCbor } from '../lib/tiny_service.ts'

const MUTATIONS = 10_000
const IN_FLIGHT = 32

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

type Body = Record<string, unknown>

function validBody(cbor: boolean): Body {
  const candidates = Array.from({ length: 20 }, (_, index) => 1 + 7 * index)
  const bm25 = candidates.map((_, index) => index / 3)
  return {
    request_id: 'mutant',
    query: {
      text: 'red shoes',
      embedding: cbor ? new Float32Array(4).fill(0.5) : [1, 2, 3, 4],
      features: { length: 9 },
    },
    user: { id: 'u1', country: 'DE', features: { age: 30 }, sequence: inlineSequence(service.bundle, 'u1') },
    candidates: cbor ? Uint32Array.from(candidates) : candidates,
    candidate_features: { bm25: cbor ? Float32Array.from(bm25) : bm25 },
    top_k: 5,
    head_weights: { engagement: 1, save: 0.5 },
    deadline_ms: 50,
    explain: { ids: [1, 8], survivors: true },
  }
}

/** Cuts, repeats, drops, flips and inserts: one to four times. */
function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let mutant = Buffer.from(bytes)
  for (let round = 0; round <= random.integer(4); round++) {
    const at = random.integer(mutant.length + 1)
    const length = random.integer(9)
    const [before, middle, rest] = [
      mutant.subarray(0, at),
      mutant.subarray(at, at + length),
      mutant.subarray(at + length),
    ]
    const noise = Buffer.from(Array.from({ length }, () => random.integer(256)))
    const kinds = [
      before,
      [before, rest],
      [before, middle, middle, rest],
      [before, noise, rest],
      [before, noise, middle, rest],
    ]
    mutant = Buffer.concat([kinds[random.integer(kinds.length)]].flat())
    if (mutant.length > 0) mutant[random.integer(mutant.length)] ^= 1 << random.integer(8)
  }
  return mutant
}

const ODD_VALUES: unknown[] = [
  ...[null, true, '', 'x', -1, 0, 0.5, 2 ** 53, 1e308, -0, [], {}, [[]], [null], { ids: [] }, 'u'.repeat(600)],
  ...['\ud800', '__proto__', { constructor: 1 }, [1, 'a'], Array(30).fill(1), '12345678901234567890'],
]
const CBOR_VALUES: unknown[] = [
  Number.NaN,
  -Infinity,
  2n ** 64n - 1n,
  Float32Array.of(1),
  new BigInt64Array(2),
  new Uint8Array(20),
  new Float64Array(20),
]

/** Somewhere in the body a value becomes another one, a name another name, or a member goes. */
function mutateValue(random: Random, body: Body, cbor: boolean): Body {
  const values = cbor ? [...ODD_VALUES, ...CBOR_VALUES] : ODD_VALUES
  let holder = body
  for (;;) {
    const keys = Object.keys(holder)
    const key = keys[random.integer(keys.length)]
    const inner = holder[key]
    const goesOn =
      typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random.uniform() < 0.7
    if (goesOn && !ArrayBuffer.isView(inner)) {
      holder = inner as Body
      continue
    }
    const kind = random.integer(10)
    if (kind === 0) delete holder[key]
    else if (kind === 1) holder[`${key}x`] = inner
    else holder[key] = values[random.integer(values.length)]
    return body
  }
}

for (const cbor of [false, true]) {
  test(`${MUTATIONS} mutations of valid ${cbor ? 'CBOR' : 'JSON'} bodies end in an answer or a 4xx problem`, async () => {
    const random = createRandom(cbor ? 1 : 2)
    const encode = (body: Body) => (cbor ? toCbor(body) : Buffer.from(JSON.stringify(body)))
    const statuses = new Map<number, number>()
    const send = async () => {
      const mutant =
        random.uniform() < 0.5
          ? mutateBytes(random, encode(validBody(cbor)))
          : encode(mutateValue(random, validBody(cbor), cbor))
      const { status, body } = await service.post(mutant, { cbor })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      assert.ok(status === 200 || (status >= 400 && status < 500), `${status} for ${mutant.toString('base64')}`)
      if (status !== 200) assert.ok(body.code && body.detail, 'a problem has a code and a detail')
    }
    for (let sent = 0; sent < MUTATIONS; sent += IN_FLIGHT) {
      await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, MUTATIONS - sent) }, send))
    }
    assert.ok(statuses.get(200)! > MUTATIONS / 50, 'some mutants are valid')
    assert.ok(statuses.get(400)! > MUTATIONS / 5, 'many are not')
    const request = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }
    const expected = (await service.oracle(request)).map(({ id }) => Number(id))
    assert.deepEqual((await service.post(request)).body.ids, expected, 'the service is as good as before')
  })
}
