import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { engage, eventBody, postEngagements } from '../lib/engagements.ts'
import { type Body, mutateBytes, mutateValue } from '../lib/mutate.ts'
import { createRandom } from '../lib/random.ts'
import { startTinyService, type TinyService, toCbor } from '../lib/tiny_service.ts'

const MUTATIONS = 3000
const IN_FLIGHT = 32

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

const validBody = (): Body => ({
  request_id: 'mutant',
  events: [eventBody({ query: { text: 'red shoes' } }), eventBody({ user: { country: 'FR' }, query: { text: 'bag' } })],
})

for (const cbor of [false, true]) {
  test(`${MUTATIONS} mutations of valid ${cbor ? 'CBOR' : 'JSON'} bodies end in outcomes or a 4xx problem`, async () => {
    const random = createRandom(cbor ? 3 : 4)
    const encode = (body: Body) => (cbor ? toCbor(body) : Buffer.from(JSON.stringify(body)))
    const statuses = new Map<number, number>()
    const send = async () => {
      const mutant =
        random.uniform() < 0.5
          ? mutateBytes(random, encode(validBody()))
          : encode(mutateValue(random, validBody(), cbor))
      const { status, body } = await postEngagements(service, mutant, { cbor })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      assert.ok(status === 200 || (status >= 400 && status < 500), `${status} for ${mutant.toString('base64')}`)
      if (status !== 200) assert.ok(body.code && body.detail, 'a problem has a code and a detail')
    }
    for (let sent = 0; sent < MUTATIONS; sent += IN_FLIGHT) await Promise.all(Array.from({ length: IN_FLIGHT }, send))
    assert.ok(statuses.get(200)! > MUTATIONS / 50, 'some mutants are valid')
    assert.ok(statuses.get(400)! > MUTATIONS / 5, 'many are not')
    assert.deepEqual((await engage(service, [eventBody({ user: { id: 'healthy' } })])).outcomes, ['applied'])
    const { status, body } = await service.post({
      query: { text: 'red shoes' },
      user: { id: 'u1' },
      candidates: [1, 8],
    })
    assert.deepEqual([status, body.degraded], [200, []])
  })
}
