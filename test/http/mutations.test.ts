import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Body, mutateBytes, mutateValue } from '../lib/mutate.ts'
import { createRandom } from '../lib/random.ts'
import { inlineSequence } from '../lib/tiny_bundle.ts'
import { startTinyService, type TinyService, toCbor } from '../lib/tiny_service.ts'

const MUTATIONS = 10_000
const IN_FLIGHT = 32

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

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
    deadline_ms: 60_000,
    explain: { ids: [1, 8], survivors: true },
  }
}

for (const cbor of [false, true]) {
  test(`${MUTATIONS} mutations of valid ${cbor ? 'CBOR' : 'JSON'} bodies end in an answer, a 4xx problem, or at a mutated deadline`, async () => {
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
      assert.ok(
        status === 200 || (status >= 400 && status < 500) || body.code === 'deadline_exceeded',
        `${status} for ${mutant.toString('base64')}`,
      )
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
