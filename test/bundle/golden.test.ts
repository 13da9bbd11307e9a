import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describeGolden, type GoldenScores, replayGolden } from '../../src/bundle/golden.ts'
import { FULL_SPEED } from '../../src/bundle/pace.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

const scratch = mkdtempSync(join(tmpdir(), 'prerank-golden-'))
after(() => rmSync(scratch, { recursive: true }))

const { directory, manifest, records } = await writeTinyBundle(scratch)
const { requests }: { requests: (GoldenScores & { request: unknown })[] } = JSON.parse(
  readFileSync(join(directory, 'golden.json'), 'utf8'),
)

/** Replays with the golden scores themselves, changed by `change`. */
function replay(change: (scores: { ids: string[]; scores: number[] }, index: number) => void, from = directory) {
  return replayGolden({
    pace: FULL_SPEED,
    directory: from,
    manifest,
    precision: 'float32',
    async score({ request, blobs }) {
      const index = requests.findIndex((golden) => JSON.stringify(golden.request) === JSON.stringify(request))
      assert.deepEqual(blobs, records)
      const answer = {
        ids: Array.from(requests[index].ids, String).reverse(),
        scores: Array.from(requests[index].scores).reverse(),
      }
      change(answer, index)
      return answer
    },
  })
}

test('equal scores are well, in whatever order and form the ids come', async () => {
  const report = await replay(() => {})
  assert.deepEqual(report, {
    requests: 2,
    scores: 80,
    tolerance: 1e-5,
    worst: { difference: 0, where: 'nowhere' },
    mismatches: [],
    ok: true,
  })
})

test('the worst difference is reported with its place', async () => {
  const report = await replay(({ scores }, index) => {
    if (index === 1) scores[7] += 0.5
    scores[3] -= 0.001
  })
  assert.equal(report.ok, false)
  assert.ok(Math.abs(report.worst.difference - 0.5) < 1e-9)
  const id = Array.from(requests[1].ids, String).reverse()[7]
  assert.match(
    describeGolden(report),
    new RegExp(`80 scores of 2 golden requests: worst difference 5.00e-1 \\(request 1, ${id}\\), tolerance 0.00001`),
  )
})

test('a difference within the tolerance is well', async () => {
  const report = await replay(({ scores }) => {
    scores[0] += 9e-6
  })
  assert.equal(report.ok, true)
})

test('a score that is no number is worse than any other', async () => {
  const report = await replay(({ scores }, index) => {
    if (index === 0) scores[0] = Number.NaN
    else scores[0] += 1
  })
  assert.equal(report.ok, false)
  assert.equal(report.worst.difference, Number.POSITIVE_INFINITY)
  assert.match(report.worst.where, /request 0/)
})

test('candidates that only one side scored are named', async () => {
  const report = await replay((answer, index) => {
    if (index === 0) answer.ids[0] = 'stranger'
  })
  assert.equal(report.ok, false)
  assert.equal(report.mismatches.length, 2)
  assert.match(describeGolden(report), /has no score, expected .*stranger scored .*, expected no score/)
})

test('a request that is not as it has to be is refused with every field, what was found and what was expected', async () => {
  const [first, second] = requests as (GoldenScores & Record<string, unknown>)[]
  const { ids: _, ...without_ids } = second
  const cases: [request: object, message: RegExp][] = [
    [without_ids, /golden\.json, request 1: 1 problem\n {2}ids: found nothing, expected an array/],
    [{ ...second, blobs: undefined }, /request 1: 1 problem\n {2}blobs: found nothing, expected an object/],
    [{ ...second, blobs: { key: 5 } }, /blobs\.key: found 5, expected a text/],
    [{ ...second, ids: [null], scores: [null] }, /2 problems\n {2}ids\[0\]: found null.*\n {2}scores\[0\]: found null/],
    [{ ...second, scores: [1] }, /scores: found 1 elements, expected 40, one for each of ids/],
    [{ ...second, now_ms: '1' }, /now_ms: found the string "1", expected a number/],
    [{ ...second, score: 1 }, /score: found 1, expected only the fields now_ms, request/],
  ]
  const wrong = mkdtempSync(join(scratch, 'wrong-'))
  for (const [request, message] of cases) {
    writeFileSync(join(wrong, 'golden.json'), JSON.stringify({ requests: [first, request] }))
    await assert.rejects(
      replay(() => {}, wrong),
      message,
    )
  }
})

test('a file without requests proves nothing', async () => {
  const empty = mkdtempSync(join(scratch, 'empty-'))
  writeFileSync(join(empty, 'golden.json'), '{"requests": []}')
  const report = await replay(() => {}, empty)
  assert.equal(report.ok, false)
  assert.match(describeGolden(report), /^0 scores of 0 golden requests/)
})
