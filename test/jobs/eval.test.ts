import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { compareWith } from '../../src/jobs/eval/compare.ts'
import { type EvalResult, evaluate } from '../../src/jobs/eval/eval.ts'
import { userInterval } from '../../src/jobs/eval/interval.ts'
import { METRICS, type RequestMetrics, requestMetrics } from '../../src/jobs/eval/metrics.ts'
import { plotSvg } from '../../src/jobs/eval/plot.ts'
import { type HeldOutRequest, readRequests } from '../../src/jobs/eval/requests.ts'
import type { Target } from '../../src/jobs/load/client.ts'
import { loadSnapshots } from '../../src/jobs/load/load.ts'
import { createRandom } from '../lib/random.ts'
import { startRedis } from '../lib/redis.ts'
import { inlineSequence, TINY_QUERIES, TINY_USERS, type TinyBundle, writeTinyBundle } from '../lib/tiny_bundle.ts'
import { type OracleRequest, tinyOracle } from '../lib/tiny_oracle.ts'
import { quietJob, RESOURCES, testFolder } from './support.ts'

type MetricsCase = { scores: (number | string | null)[]; gains: number[]; metrics: Record<string, number | null> }

test('metrics are those of the training code: ties, NaN, infinities, nothing and everything engaged', () => {
  const cases: MetricsCase[] = JSON.parse(readFileSync(new URL('metrics.fixture.json', import.meta.url), 'utf8'))
  assert.equal(cases.length, 10)
  for (const { scores, gains, metrics } of cases) {
    const values = scores.map((score) =>
      score === null ? Number.NaN : score === 'inf' ? Infinity : score === '-inf' ? -Infinity : Number(score),
    )
    const found = requestMetrics(values, gains)
    for (const metric of METRICS) {
      const expected = metrics[metric] ?? Number.NaN
      assert.ok(
        Object.is(found[metric], expected) || Math.abs(found[metric] - expected) < 1e-12,
        `${metric}: ${found[metric]}, expected ${expected}`,
      )
    }
  }
})

test('an interval is over users: many requests of one user count as one', () => {
  const users = Array.from({ length: 400 }, (_, at) => `u${at % 100}`)
  const values = users.map((user) => (Number(user.slice(1)) < 50 ? 1 : 0))
  const { mean, low, high } = userInterval(values, users)
  assert.equal(mean, 0.5)
  // Of 100 users the standard error is 0.05; of 400 requests it would be 0.025.
  assert.ok(low > 0.38 && low < 0.43 && high > 0.57 && high < 0.62, `${low} to ${high}`)
  assert.deepEqual(userInterval([Number.NaN], ['a']), { mean: Number.NaN, low: Number.NaN, high: Number.NaN })
})

function heldOut(bundle: TinyBundle, count = 60): HeldOutRequest[] {
  const random = createRandom(3)
  const query = () => [...TINY_QUERIES, 'never seen'][random.integer(TINY_QUERIES.length + 1)]
  return Array.from({ length: count }, () => {
    const user = TINY_USERS[random.integer(TINY_USERS.length)]
    const items = [...bundle.items].sort(() => random.uniform() - 0.5).slice(0, 50)
    const sequence = inlineSequence(bundle, user).map((event) => ({ ...event, item: Number(event.item) }))
    return {
      now_ms: bundle.now_ms,
      request: {
        query: { text: query() },
        user: { id: user, country: random.uniform() < 0.5 ? 'DE' : 'FR', sequence },
        candidates: items.map(({ id }) => Number(id)),
        candidate_features: { bm25: items.map(() => Math.round(random.uniform() * 1000) / 100) },
      },
      engaged: { [items[random.integer(50)].id]: 1, [items[random.integer(50)].id]: 3 },
    }
  })
}

async function* each<T>(values: T[]): AsyncGenerator<T> {
  yield* values
}

async function run(bundle: TinyBundle, requests: HeldOutRequest[], redis?: Target): Promise<EvalResult> {
  return evaluate({
    directory: bundle.directory,
    requests: each(requests),
    source: 'test',
    caller: true,
    redis,
    resources: RESOURCES,
    job: quietJob(),
  })
}

async function expectedMeans(bundle: TinyBundle, requests: HeldOutRequest[]): Promise<RequestMetrics> {
  const oracle = await tinyOracle(bundle)
  const all: RequestMetrics[] = []
  for (const { request, now_ms, engaged } of requests) {
    const scores = new Map(
      (await oracle(request as unknown as OracleRequest, now_ms)).map(({ id, score }) => [id, Math.fround(score)]),
    )
    const ids = request.candidates.map(String)
    all.push(
      requestMetrics(
        ids.map((id) => scores.get(id) ?? Number.NaN),
        ids.map((id) => engaged[id] ?? 0),
      ),
    )
  }
  const mean = (metric: keyof RequestMetrics) => all.reduce((sum, values) => sum + values[metric], 0) / all.length
  return Object.fromEntries(METRICS.map((metric) => [metric, mean(metric)])) as RequestMetrics
}

async function tinyBundle(t: TestContext): Promise<TinyBundle> {
  return writeTinyBundle(join(await testFolder(t), 'bundle'))
}

test('the served scores give the metrics of an oracle that scores one item at a time', async (t) => {
  const bundle = await tinyBundle(t)
  const requests = heldOut(bundle)
  const result = await run(bundle, requests)
  const expected = await expectedMeans(bundle, requests)
  assert.equal(result.requests, 60)
  assert.equal(result.degraded, 0)
  assert.deepEqual(Object.keys(result.systems), ['bm25', 'dot', 'without_caller', 'served'])
  for (const metric of METRICS)
    assert.ok(Math.abs(result.systems.served[metric].mean - expected[metric]) < 1e-3, metric)
  const distinct = new Set(Object.values(result.systems).map((system) => system.auc.mean))
  assert.equal(distinct.size, 4)
})

test('features from a loaded Redis give the same table as the snapshots', async (t) => {
  const bundle = await tinyBundle(t)
  const server = await startRedis({ own: true })
  t.after(() => server.stop())
  const target = { url: server.url, cluster: false, prefix: 'pr:' }
  const files = [join(bundle.directory, 'features', 'demo.snapshot')]
  const { manifest } = bundle
  await loadSnapshots({
    target,
    manifest,
    files,
    version: 'v1',
    verify: true,
    grace_ms: 0,
    lock_wait_ms: 0,
    job: quietJob(),
  })
  const requests = heldOut(bundle, 20)
  const [embedded, redis] = [await run(bundle, requests), await run(bundle, requests, target)]
  assert.deepEqual(redis.systems, embedded.systems)
  assert.equal(redis.degraded, 0)
})

test('a table that training does not agree with is told apart', async (t) => {
  const bundle = await tinyBundle(t)
  const result = await run(bundle, heldOut(bundle, 20))
  const path = join(bundle.directory, 'evaluation.json')
  const means = Object.fromEntries(METRICS.map((metric) => [metric, { mean: result.systems.served[metric].mean }]))
  await writeFile(
    path,
    JSON.stringify({ systems: { same: means, other: { ...means, auc: { mean: means.auc.mean + 0.003 } } } }),
  )
  assert.equal((await compareWith(result, { path, system: 'same', tolerance: 0.002 })).ok, true)
  const other = await compareWith(result, { path, system: 'other', tolerance: 0.002 })
  assert.equal(other.ok, false)
  assert.ok(Math.abs(other.differences.auc.difference + 0.003) < 1e-9)
  assert.deepEqual(
    other.others.map(({ title, means }) => [title, means.auc]),
    [['same', means.auc.mean]],
    'what else was trained stands beside it',
  )
  await assert.rejects(
    compareWith(result, { path, system: 'nobody', tolerance: 0.002 }),
    /no system "nobody" in it; it has same, other/,
  )
})

test('requests of nobody known are not those of one user', () => {
  const values = Array.from({ length: 60 }, (_, request) => request % 3)
  const anonymous = userInterval(values, Array(60).fill(undefined))
  const many = userInterval(
    values,
    Array.from(values, (_, request) => `u${request}`),
  )
  assert.deepEqual(anonymous, many)
  assert.ok(anonymous.low < 1 && anonymous.high > 1, `${anonymous.low} to ${anonymous.high}`)
  const one = userInterval(values, Array(60).fill('u'))
  assert.deepEqual([one.low, one.high], [1, 1])
})

test('the plot has a mark for every system in every panel, and titles that are text', async (t) => {
  const bundle = await tinyBundle(t)
  const result = await run(bundle, heldOut(bundle, 5))
  const svg = plotSvg({ ...result, systems: { ...result.systems, odd: { ...result.systems.dot, title: '<b> & co' } } })
  assert.equal(svg.match(/<rect x=/g)?.length, METRICS.length * 5)
  assert.match(svg, /&lt;b> &amp; co/)
  assert.doesNotMatch(svg, /NaN/)
})

test('requests are read from plain and gzipped files, and a broken line is named', async (t) => {
  const folder = await testFolder(t)
  const line = JSON.stringify({ now_ms: 1, request: { candidates: [1] }, engaged: {} })
  const read = async (path: string) => {
    const found = []
    for await (const request of readRequests(path)) found.push(request)
    return found
  }
  await writeFile(join(folder, 'r.jsonl'), `${line}\n\n${line}\n`)
  await writeFile(join(folder, 'r.jsonl.gz'), gzipSync(`${line}\n${line}\n`))
  assert.equal((await read(join(folder, 'r.jsonl'))).length, 2)
  assert.deepEqual(await read(join(folder, 'r.jsonl')), await read(join(folder, 'r.jsonl.gz')))
  await writeFile(join(folder, 'bad.jsonl'), `${line}\n{"now_ms": 1}\n`)
  await assert.rejects(read(join(folder, 'bad.jsonl')), /bad\.jsonl line 2: expected an object with now_ms/)
  await writeFile(join(folder, 'cut.jsonl.gz'), gzipSync(`${line}\n`.repeat(1000)).subarray(0, 60))
  await assert.rejects(read(join(folder, 'cut.jsonl.gz')), /cut\.jsonl\.gz: cannot be read: unexpected end of file/)
  await assert.rejects(read(join(folder, 'absent.jsonl')), /absent\.jsonl: cannot be read/)
})
