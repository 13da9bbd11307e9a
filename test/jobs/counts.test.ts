import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildCounts, type CountsOptions } from '../../src/jobs/counts/build.ts'
import { AS_OF_MS, type LogFormat, randomLog, writeLog } from './log_fixture.ts'
import { expectedBlobs, type LogEvent } from './log_oracle.ts'
import { countManifest, duck, quietJob, RESOURCES, snapshotRecords, testFolder } from './support.ts'

const DAY_MS = 86_400_000
const EVERYTHING = { items_max: 1000, item_engagements_min: 1, engagements_min: 1 }

type Setting = { log: LogEvent[]; format?: LogFormat; options?: Partial<CountsOptions> }

async function build(t: TestContext, { log, format = 'parquet', options = {} }: Setting) {
  const folder = await testFolder(t)
  const output = join(folder, 'counts.snapshot')
  const result = await buildCounts({
    events: await writeLog(folder, log, format),
    manifest: countManifest(),
    as_of_ms: AS_OF_MS,
    bad_share_max: 0,
    limits: EVERYTHING,
    output,
    resources: RESOURCES,
    job: quietJob(),
    ...options,
  })
  return { result, folder, output, records: await snapshotRecords(output) }
}

function assertBlobs(found: Map<string, Uint8Array>, expected: Map<string, Uint8Array>): void {
  assert.ok(expected.size > 10)
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort())
  for (const [key, blob] of expected) assert.deepEqual(Buffer.from(found.get(key)!), Buffer.from(blob), key)
}

for (const format of ['parquet', 'csv', 'jsonl'] as const) {
  test(`blobs of a ${format} log are those of counting one event at a time`, async (t) => {
    const log = randomLog()
    const { records } = await build(t, { log, format })
    assertBlobs(records, expectedBlobs(log, { manifest: countManifest(), as_of_ms: AS_OF_MS, limits: EVERYTHING }))
  })
}

test('string ids are counted under their hashes', async (t) => {
  const log = randomLog({ ids: 'string', seed: 2 })
  const manifest = countManifest({ id_kind: 'string' })
  const { records } = await build(t, { log, options: { manifest } })
  assertBlobs(records, expectedBlobs(log, { manifest, as_of_ms: AS_OF_MS, limits: EVERYTHING }))
})

test('limits list the most engaged items, and totals still count the others', async (t) => {
  const log = randomLog({ seed: 3 })
  const limits = { items_max: 5, item_engagements_min: 2, engagements_min: 20 }
  const { records } = await build(t, { log, options: { limits } })
  const expected = expectedBlobs(log, { manifest: countManifest(), as_of_ms: AS_OF_MS, limits })
  assertBlobs(records, expected)
  assert.ok(
    expected.size < expectedBlobs(log, { manifest: countManifest(), as_of_ms: AS_OF_MS, limits: EVERYTHING }).size,
  )
})

test('a second run, and one with one thread, give the same bytes', async (t) => {
  const log = randomLog({ seed: 4 })
  const outputs = [
    await build(t, { log }),
    await build(t, { log }),
    await build(t, { log, options: { resources: { ...RESOURCES, threads: 1 } } }),
  ]
  const [first, ...others] = await Promise.all(outputs.map(({ output }) => readFile(output)))
  for (const bytes of others) assert.ok(bytes.equals(first))
})

test('a glob of files is one log', async (t) => {
  const log = randomLog({ seed: 5 })
  const folder = await testFolder(t)
  const path = await writeLog(folder, log, 'parquet')
  await duck(`COPY (FROM '${path}' WHERE time % 2 = 0) TO '${folder}/part-0.parquet';
    COPY (FROM '${path}' WHERE time % 2 = 1) TO '${folder}/part-1.parquet'`)
  const { records } = await build(t, { log: [], options: { events: join(folder, 'part-*.parquet') } })
  assertBlobs(records, expectedBlobs(log, { manifest: countManifest(), as_of_ms: AS_OF_MS, limits: EVERYTHING }))
})

test('events of items outside the catalogue are left out, totals included', async (t) => {
  const log = randomLog({ seed: 6 })
  const folder = await testFolder(t)
  await duck(`COPY (SELECT range AS item FROM range(30)) TO '${folder}/items.csv' (HEADER)`)
  const { records } = await build(t, { log, options: { items: join(folder, 'items.csv') } })
  const known = log.filter(({ item }) => Number(item) < 30)
  assertBlobs(records, expectedBlobs(known, { manifest: countManifest(), as_of_ms: AS_OF_MS, limits: EVERYTHING }))
})

test('without an as-of time whole UTC days are counted: the live counts have what came after midnight', async (t) => {
  const log = randomLog({ seed: 7 })
  const { result, records } = await build(t, { log, options: { as_of_ms: undefined } })
  const newest_ms = Math.max(...log.map(({ time }) => time))
  const as_of_ms = newest_ms - (newest_ms % DAY_MS)
  assert.ok(as_of_ms < newest_ms)
  assert.equal(result.as_of_ms, as_of_ms)
  assertBlobs(records, expectedBlobs(log, { manifest: countManifest(), as_of_ms, limits: EVERYTHING }))
})

test('an event whose clock runs ahead does not close a day that is not over', async (t) => {
  const today_ms = Date.now() - (Date.now() % DAY_MS)
  const log = randomLog({ seed: 8 }).map((event, index) => ({ ...event, time: today_ms - 1000 * index }))
  log[0].time = Date.now() + DAY_MS / 2
  const { result } = await build(t, { log, options: { as_of_ms: undefined } })
  assert.equal(result.as_of_ms, today_ms)
})

test('a log of a single day is counted to its end', async (t) => {
  const log = randomLog({ seed: 9 }).map((event, index) => ({ ...event, time: AS_OF_MS + index }))
  const { result, records } = await build(t, { log, options: { as_of_ms: undefined } })
  const as_of_ms = AS_OF_MS + log.length
  assert.equal(result.as_of_ms, as_of_ms)
  assertBlobs(records, expectedBlobs(log, { manifest: countManifest(), as_of_ms, limits: EVERYTHING }))
})

test('a segment that no log has is refused by name', async (t) => {
  const manifest = countManifest({ segments: ['all', 'planet'] })
  await assert.rejects(
    build(t, { log: randomLog({ events: 10 }), options: { manifest } }),
    /segments planet: .*country/,
  )
})
