import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKey } from '../../src/access/keys.ts'
import { writeKeyFile } from '../lib/key_file.ts'
import { assertProblem } from '../lib/problem.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

const LIMITS = { RATE_LIMIT_CANDIDATES_PER_S: '20', RATE_LIMIT_BURST: '40' }
const bodyOf = (count: number) => ({
  query: { text: 'red shoes' },
  candidates: Array.from({ length: count }, (_, index) => index),
})

async function withService(
  environment: Record<string, string>,
  work: (service: TinyService) => Promise<void>,
): Promise<void> {
  const service = await startTinyService({ environment: { ...LIMITS, ...environment } })
  try {
    await work(service)
  } finally {
    await service.stop()
  }
}

test('candidates are counted, not requests: after the burst 429, with the time until there are enough', async () => {
  await withService({}, async ({ post }) => {
    const first = await post(bodyOf(30))
    assert.equal(first.status, 200)
    assert.equal(first.headers.get('ratelimit-policy'), '"candidates";q=40;w=2;qu="candidates"')
    assert.match(first.headers.get('ratelimit')!, /^"candidates";r=1\d;t=2$/)
    const second = await post(bodyOf(30))
    assertProblem(second, { status: 429, code: 'rate_limited', found: /^30 candidates with 1\d left$/ })
    assert.match(second.headers.get('ratelimit')!, /^"candidates";r=1\d;t=\d$/)
    const wait_s = Number(second.headers.get('retry-after'))
    assert.ok(wait_s >= 1 && wait_s <= 2, `${wait_s} s`)
    assert.equal((await post(bodyOf(2))).status, 200, 'a small request fits in')
    await sleep(wait_s * 1000 + 200)
    assert.equal((await post(bodyOf(30))).status, 200, 'who waits as told is served')
  })
})

test('a request above the burst would wait forever: it is told so', async () => {
  await withService({}, async ({ post }) => {
    const refused = await post(bodyOf(41))
    assertProblem(refused, { status: 413, code: 'too_many_candidates', field: 'candidates', expected: /at most 40/ })
    assert.equal(refused.headers.get('retry-after'), null)
    assert.equal((await post(bodyOf(40))).status, 200, 'and has cost nothing')
  })
})

test('each caller has its own bucket; the keys of one name share it', async () => {
  const { path, lines, keys, write, remove } = await writeKeyFile()
  const [other, rotated] = ['other', 'prerank'].map((name) => createKey({ name, scopes: ['prerank'] }))
  await write([...lines, other.line, rotated.line])
  await withService({ API_KEYS_FILE: path }, async ({ post }) => {
    const status = async (key: string) =>
      (await post(bodyOf(30), { headers: { authorization: `Bearer ${key}` } })).status
    assert.deepEqual([await status(keys.prerank), await status(rotated.key), await status(other.key)], [200, 429, 200])
  })
  await remove()
})

test('a request with a wrong body costs nothing', async () => {
  await withService({}, async ({ post }) => {
    for (let count = 0; count < 3; count++) assert.equal((await post({ ...bodyOf(30), top_k: 0 })).status, 400)
    assert.equal((await post(bodyOf(40))).status, 200)
  })
})
