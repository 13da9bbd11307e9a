import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, startTinyService, type TinyService } from '../lib/tiny_service.ts'

let linear: TinyService
let mlp: TinyService
before(async () => {
  linear = await startTinyService()
  mlp = await startTinyService({ fusion: 'mlp', id_kind: 'string' })
})
after(() => Promise.all([linear.stop(), mlp.stop()]))

const candidates = Array.from({ length: 60 }, (_, index) => 1 + 7 * index)
const request = { query: { text: 'red shoes' }, user: { country: 'DE' }, candidates, top_k: 10 }
const close = (a: number, b: number) => Math.abs(a - b) < 1e-5

function entry({ body }: Answer, id: number | string) {
  const found = body.explain.find((candidate) => candidate.id === id)
  assert.ok(found, `no explanation of ${id}`)
  return found
}

test('explain: true takes every kept score apart', async () => {
  const { body } = await linear.post({ ...request, explain: true })
  assert.deepEqual(
    body.explain.map(({ id, rank, outcome }) => [id, rank, outcome]),
    Array.from(body.ids, (id, index) => [id, index + 1, 'kept']),
  )
  for (const [index, { score, features, heads, distance_to_cut }] of body.explain.entries()) {
    assert.equal(score, body.scores[index])
    const parts = Object.values(features!).map(({ contribution }) => contribution)
    assert.ok(
      close(
        parts.reduce((sum, part) => sum + part, 0.1),
        score!,
      ),
      'bias and contributions make the score',
    )
    const { engagement, save, long_click } = heads!
    assert.ok(close(0.5 * engagement + 0.25 * save + 0.25 * long_click, features!.dot.raw!), 'heads make the dot')
    assert.ok(close(distance_to_cut!, score! - body.scores[9]))
  }
})

test('named candidates are explained, kept or not', async () => {
  const ranking = await linear.oracle(request)
  const [best, last] = [Number(ranking[0].id), Number(ranking.at(-1)!.id)]
  const answer = await linear.post({
    ...request,
    candidates: [...candidates, 5],
    explain: { ids: [last, best, 5, 77_777] },
  })
  assert.deepEqual(
    answer.body.explain.map(({ id, outcome }) => [id, outcome]),
    [
      [last, 'cut'],
      [best, 'kept'],
      [5, 'unknown'],
      [77_777, 'not_a_candidate'],
    ],
  )
  const cut = entry(answer, last)
  assert.equal(cut.rank, 60)
  assert.ok(close(cut.score!, ranking[59].score) && close(cut.distance_to_cut!, ranking[59].score - ranking[9].score))
})

test('a missing feature has no raw value, a present one has its ratio', async () => {
  const answer = await linear.post({ ...request, user: {}, explain: { ids: [1, 8] } })
  const { features } = entry(answer, 1)
  assert.deepEqual(Object.keys(features!), [
    ...['dot', 'cross.click', 'cross.save', 'cross.click_country', 'cross.click_token'],
    ...['item.popularity', 'candidate.bm25'],
  ])
  assert.deepEqual(features!['cross.click_country'].raw, null)
  assert.equal(features!['cross.click_country'].transformed, -0.25)
  const blob = linear.bundle.counts.get('iqp:all:{red shoes}')!
  const listed = blob.items.find(({ key }) => candidates.includes(Number(key)))!
  const [clicks] = listed.counts
  const named = await linear.post({ ...request, explain: { ids: [Number(listed.key)] } })
  assert.ok(close(named.body.explain[0].features!['cross.click'].raw!, clicks / (blob.totals[0] + 10)))
})

test('with an MLP a contribution is what the score loses without the feature', async () => {
  const ids = mlp.bundle.items.slice(0, 30).map(({ id }) => id)
  const body = {
    query: { text: 'blue bag' },
    candidates: ids,
    candidate_features: { bm25: ids.map(() => 20) },
    top_k: 3,
  }
  const answer = await mlp.post({ ...body, explain: { ids: [ids[4]] } })
  const { score, features } = entry(answer, ids[4])
  const without = await mlp.oracle({ ...body, candidate_features: { bm25: ids.map(() => 0) } })
  assert.ok(close(features!['candidate.bm25'].contribution, score! - without.find(({ id }) => id === ids[4])!.score))
})

test('survivors and named ones can be asked for together, each once', async () => {
  const { body } = await linear.post({ ...request, explain: { survivors: true, ids: [...candidates.slice(0, 15)] } })
  const explained = body.explain.map(({ id }) => id)
  assert.deepEqual(explained.slice(0, 10), body.ids)
  assert.equal(new Set(explained).size, explained.length)
  for (const id of candidates.slice(0, 15)) assert.ok(explained.includes(id))
})

test('explaining changes no score', async () => {
  const plain = await linear.post(request)
  const explained = await linear.post({ ...request, explain: true })
  assert.deepEqual([explained.body.ids, explained.body.scores], [plain.body.ids, plain.body.scores])
  assert.equal(plain.body.explain, undefined)
})
