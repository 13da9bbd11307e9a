/** Real catalogue and queries (Movie Search Ranking Dataset, CC BY-SA 4.0), read from beside the repository, never copied in. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openEvalServing } from '../../src/jobs/eval/serving.ts'
import { createSystems } from '../../src/jobs/eval/systems.ts'
import { buildItems } from '../../src/jobs/items/build.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import { quietJob, RESOURCES, testFolder } from './support.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'msrd')
const QUERIES = 25

type Judged = { query: string; candidates: number[] }

/** The first queries with all movies judged for them. */
function judgedQueries(): Judged[] {
  const lines = gunzipSync(readFileSync(join(DATA, 'judgments.tsv.gz')))
    .toString()
    .trimEnd()
    .split('\n')
    .slice(1)
  const queries = new Map<string, Judged>()
  for (const line of lines) {
    const [id, query, movie] = line.split('\t')
    const judged = queries.get(id) ?? { query, candidates: [] }
    judged.candidates.push(Number(movie))
    queries.set(id, judged)
    if (queries.size > QUERIES) break
  }
  return [...queries.values()].slice(0, QUERIES)
}

test('the movies go through items build and are served to real queries', async (t) => {
  if (!existsSync(DATA)) return t.skip('the msrd data is not beside the repository')
  const { directory, manifest } = await writeTinyBundle(join(await testFolder(t), 'bundle'))
  const result = await buildItems({
    directory,
    manifest,
    items: join(DATA, 'movies.jsonl.gz'),
    renamed: new Map([
      ['item', 'id'],
      ['price', 'budget'],
    ]),
    vectors: { from: 'tower' },
    output: join(directory, 'items.table'),
    bad_share_max: 0,
    resources: RESOURCES,
    job: quietJob(),
  })
  assert.deepEqual({ items: result.items, missing: result.missing }, { items: 9750, missing: [] })
  const { serving, close } = await openEvalServing({ directory, resources: RESOURCES })
  t.after(close)
  const served = createSystems(serving).find(({ name }) => name === 'served')
  const queries = judgedQueries()
  assert.equal(queries.length, QUERIES)
  for (const { query, candidates } of queries) {
    const request = { query: { text: query }, candidates: [...candidates, 999_999_999] }
    const { scores, degraded } = await served!.score({ now_ms: Date.now(), request, engaged: {} })
    assert.equal(degraded, false)
    assert.ok(scores.subarray(0, -1).every(Number.isFinite), query)
    assert.ok(new Set(scores.subarray(0, -1)).size > 1, `${query}: movies are told apart`)
    assert.ok(Number.isNaN(scores[candidates.length]), 'a movie that is not there has no score')
  }
})
