import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildCounts } from '../../src/jobs/counts/build.ts'
import { AS_OF_MS } from './log_fixture.ts'
import { countManifest, duck, quietJob, RESOURCES, snapshotRecords, testFolder } from './support.ts'

const LIMITS = { items_max: 10, item_engagements_min: 1, engagements_min: 1 }
const GOOD = 40
const T = AS_OF_MS - 1000

type Build = { events: string; share: number; segments?: string[] }

async function build(t: TestContext, { events, share, segments = ['all'] }: Build) {
  const folder = await testFolder(t)
  const output = join(folder, 'counts.snapshot')
  const common = {
    manifest: countManifest({ segments }),
    limits: LIMITS,
    resources: RESOURCES,
    job: quietJob(),
  }
  const running = buildCounts({ ...common, events, as_of_ms: AS_OF_MS, bad_share_max: share, output })
  return { folder, output, result: await running }
}

const goodCsv = Array.from({ length: GOOD }, (_, n) => `${T},u${n},shoes,${n},click`)
const HEADER = 'time,user,query,item,action'

test('bad rows of a CSV log are counted by reason, sampled, and left out', async (t) => {
  const folder = await testFolder(t)
  const bad = [
    'soon,u,shoes,5,click',
    `${T}.5,u,shoes,5,click`,
    '1700000000,u,shoes,5,click',
    `${Date.now() + 40 * 86_400_000},u,shoes,5,click`,
    `${T},u,shoes,5,stare`,
    `${T},u,shoes,5,`,
    `${T},u,shoes,,click`,
    `${T},u,shoes,-5,click`,
    `${T},u,shoes,007,click`,
    `${T},u,shoes,18446744073709551616,click`,
    `${T},u,${'x'.repeat(5000)},5,click`,
    `${T},${'u'.repeat(2000)},shoes,5,click`,
    `${T},u,shoes`,
    `${T},u,shoes,5,click,more`,
  ]
  const path = join(folder, 'events.csv')
  const text = [HEADER, ...goodCsv.slice(0, 20), ...bad, ...goodCsv.slice(20)].join('\n')
  const invalid = Buffer.concat([Buffer.from(`\n${T},u,sh`), Buffer.from([0xff, 0xfe]), Buffer.from(',5,click\n')])
  await writeFile(path, Buffer.concat([Buffer.from(text), invalid]))
  const { result, output } = await build(t, { events: path, share: 0.5 })
  assert.equal(result.log.rows, GOOD + bad.length + 1)
  assert.equal(result.log.rejected, bad.length + 1)
  const counted = Object.fromEntries(result.log.rejections.map(({ reason, rows }) => [reason, rows]))
  assert.deepEqual(counted, {
    'item is not an unsigned 64-bit number': 3,
    'time is missing or not a whole number of milliseconds': 2,
    'action is missing': 1,
    'action is unknown': 1,
    'item is missing': 1,
    'query is too long': 1,
    'time is not in Unix milliseconds between 1980 and 2100': 1,
    'time lies in the future': 1,
    'user is too long': 1,
    'not a record: invalid encoding': 1,
    'not a record: missing columns': 1,
    'not a record: too many columns': 1,
  })
  assert.ok(result.log.rejections.every(({ samples }) => samples.length > 0 && samples.length <= 3))
  const broken = result.log.rejections.find(({ reason }) => reason.includes('too many'))
  assert.match(broken!.samples[0], /events\.csv line 35$/)
  const records = await snapshotRecords(output)
  assert.deepEqual([...records.keys()], ['iqp:all:{shoes}'])
})

test('bad lines of a JSONL log are counted too, and other kinds of values are read as they are meant', async (t) => {
  const folder = await testFolder(t)
  const good = Array.from({ length: GOOD }, (_, n) =>
    JSON.stringify({ time: T, query: 'shoes', item: n, action: 'click', extra: [1] }),
  )
  const bad = [
    'not json',
    '[1, 2]',
    '"text"',
    JSON.stringify({ time: 'x', query: 'shoes', item: 1, action: 'click' }),
    JSON.stringify({ time: T, query: 'shoes', item: 1.5, action: 'click' }),
    JSON.stringify({ time: T, query: 'shoes', item: { id: 1 }, action: 'click' }),
    JSON.stringify({ time: T, query: 'shoes', item: 1, action: null }),
  ]
  const path = join(folder, 'events.jsonl')
  const invalid = Buffer.concat([
    Buffer.from('\n{"time": 1, "query": "'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}\n'),
  ])
  await writeFile(path, Buffer.concat([Buffer.from([...good, ...bad].join('\n')), invalid]))
  const { result } = await build(t, { events: path, share: 0.5 })
  assert.equal(result.log.rows, GOOD + bad.length + 1)
  assert.equal(result.log.rejected, bad.length + 1)
})

test('samples of bad rows show the time as it was written', async (t) => {
  const path = join(await testFolder(t), 'events.csv')
  await writeFile(path, [HEADER, ...goodCsv, '2025-05-31T23:59:59Z,u,shoes,5,click'].join('\n'))
  const { result } = await build(t, { events: path, share: 0.1 })
  assert.deepEqual(result.log.rejections[0].samples, [
    '{"time":"2025-05-31T23:59:59Z","user_id":"u","query":"shoes","item":"5","action":"click"}',
  ])
})

test('blank lines of a JSONL log are no rows', async (t) => {
  const path = join(await testFolder(t), 'events.jsonl')
  const line = JSON.stringify({ time: T, query: 'shoes', item: 1, action: 'click' })
  await writeFile(path, ['', line, '', '   ', line, '', ''].join('\n'))
  const { result } = await build(t, { events: path, share: 0 })
  assert.equal(result.log.rows, 2)
})

test('columns that are not read may have any name, or none', async (t) => {
  const path = join(await testFolder(t), 'events.csv')
  const lines = goodCsv.map((line, n) => `${n},not a time,${line}`)
  await writeFile(path, [`,Time,${HEADER}`, ...lines].join('\n'))
  const { result } = await build(t, { events: path, share: 0 })
  assert.deepEqual({ rows: result.log.rows, blobs: result.blobs }, { rows: GOOD, blobs: { all: 1 } })
})

test('a column that comes late in a JSONL log is read', async (t) => {
  const folder = await testFolder(t)
  const lines = Array.from({ length: 25_000 }, (_, n) =>
    JSON.stringify({ time: T, query: 'shoes', item: n % 40, action: 'click', country: n < 20_000 ? undefined : 'DE' }),
  )
  const path = join(folder, 'events.jsonl')
  await writeFile(path, lines.join('\n'))
  const { result } = await build(t, { events: path, share: 0, segments: ['all', 'country'] })
  assert.deepEqual(result.blobs, { all: 1, country: 1 })
})

test('bytes that are no text in a Parquet log are bad rows, not a failed build', async (t) => {
  const folder = await testFolder(t)
  const path = join(folder, 'events.parquet')
  await duck(`COPY (
    SELECT ${T} AS time, CASE WHEN range % 10 = 0 THEN '\\xFF\\xFE'::BLOB ELSE 'shoes'::BLOB END AS query,
      range AS item, 'click' AS action FROM range(100)) TO '${path}'`)
  const { result } = await build(t, { events: path, share: 0.1 })
  assert.deepEqual(
    result.log.rejections.map(({ reason, rows }) => ({ reason, rows })),
    [{ reason: 'text is not valid UTF-8', rows: 10 }],
  )
})

test('above the allowed share nothing is written and the message names the reasons', async (t) => {
  const folder = await testFolder(t)
  const path = join(folder, 'events.csv')
  const output = join(folder, 'counts.snapshot')
  await writeFile(path, [HEADER, ...goodCsv, `${T},u,shoes,5,stare`].join('\n'))
  const common = {
    manifest: countManifest({ segments: ['all'] }),
    limits: LIMITS,
    resources: RESOURCES,
    job: quietJob(),
  }
  await assert.rejects(
    buildCounts({ ...common, events: path, as_of_ms: AS_OF_MS, bad_share_max: 0.02, output }),
    /1 of 41 rows rejected \(2\.44 %\).*action is unknown.*stare.*--bad-rows-max/s,
  )
  assert.ok(!existsSync(output))
  assert.deepEqual(await readdir(folder), ['events.csv'])
})

test('an as-of time that no event is before is refused, and what was built before stays', async (t) => {
  const folder = await testFolder(t)
  const [path, output] = [join(folder, 'events.csv'), join(folder, 'counts.snapshot')]
  await writeFile(path, [HEADER, ...goodCsv].join('\n'))
  await writeFile(output, 'built before')
  const common = { manifest: countManifest(), limits: LIMITS, resources: RESOURCES, job: quietJob() }
  await assert.rejects(
    buildCounts({ ...common, events: path, as_of_ms: T, bad_share_max: 0, output }),
    /events\.csv: the oldest usable event is of 2025-05-31T23:59:59\.000Z, expected some before the as-of time, 2025-05-31T/,
  )
  assert.equal(await readFile(output, 'utf8'), 'built before')
})

for (const [what, files, expected] of [
  ['no file', {}, /nothing\.csv: no such file/],
  ['an unknown kind of file', { 'nothing.xml': '<a/>' }, /nothing\.xml: unknown kind of file, expected \.parquet/],
  [
    'a log without items',
    { 'nothing.csv': 'time,query,action\n1,a,click' },
    /no column "item" \(it has time, query, action\)/,
  ],
  ['an empty file', { 'nothing.csv': '' }, /nothing\.csv: found no header/],
  ['two columns of one name', { 'nothing.csv': `${HEADER},item\n` }, /two columns named "item"/],
  ['no usable row', { 'nothing.csv': `${HEADER}\n` }, /no usable row/],
  ['a Parquet file that is none', { 'nothing.parquet': 'PAR1 not really' }, /nothing\.parquet: cannot be read/],
  [
    'a time that is a list',
    { 'nothing.jsonl': '{"time":[1],"query":"a","item":1,"action":"click"}' },
    /1 of 1 rows rejected/,
  ],
] as [string, Record<string, string>, RegExp][]) {
  test(`${what} gets one clear error`, async (t) => {
    const folder = await testFolder(t)
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    const [name = 'nothing.csv'] = Object.keys(files)
    const common = { manifest: countManifest(), limits: LIMITS, resources: RESOURCES, job: quietJob() }
    const build = buildCounts({
      ...common,
      events: join(folder, name),
      bad_share_max: 0.01,
      output: join(folder, 'out'),
    })
    await assert.rejects(build, (error: Error) => {
      assert.equal(error.name, 'JobError')
      assert.match(error.message, expected)
      return true
    })
  })
}
