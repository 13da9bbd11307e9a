/** What doctor says about stored features; cli.test.ts runs the whole of it. */
import assert from 'node:assert/strict'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { embeddedChecks, redisChecks } from '../../src/jobs/doctor/store_checks.ts'
import { loadSnapshots } from '../../src/jobs/load/load.ts'
import { blob, generation, target, VALUES, writeRecords } from './load_fixture.ts'
import { countManifest } from './support.ts'

const NOW_MS = 1000

async function bundleOf(t: TestContext, records: Map<string, Uint8Array>): Promise<string> {
  const path = await writeRecords(t, records)
  const directory = dirname(path)
  await mkdir(join(directory, 'features'))
  await rename(path, join(directory, 'features', 'all.snapshot'))
  return directory
}

test('every record of the snapshots is checked', async (t) => {
  const good = await bundleOf(t, generation('first'))
  const [, counts] = await embeddedChecks(good, countManifest(), NOW_MS)
  assert.deepEqual(counts.status, 'ok')
  assert.match(counts.detail, /as of 1970-01-01.*; 3,002 records checked$/)
  const last = new Map([...generation('first'), ['seq:{ü 2}', new Uint8Array(15)]])
  const [, damaged] = await embeddedChecks(await bundleOf(t, last), countManifest(), NOW_MS)
  assert.equal(damaged.status, 'fail')
  assert.match(damaged.detail, /seq:\{ü 2\}: sequence: found 15 bytes, expected a multiple of 16/)
})

test('a sample of what Redis serves is checked, counts and sequences', async (t) => {
  const { client, options } = await target(t, 'standalone')
  const load = options({ files: [await writeRecords(t, generation('first'))] })
  await loadSnapshots(load)
  await client.zadd('pr:seq:{u1}:seen', 1, 'an id')
  const counts = async () => (await redisChecks(load.target, countManifest(), NOW_MS)).at(-1)!
  assert.deepEqual((await counts()).status, 'ok', (await counts()).detail)
  await client.rpush('pr:seq:{u1}', 'half')
  assert.match((await counts()).detail, /seq:\{u1\}: sequence: found 52 bytes/)
  await client.del('pr:seq:{u1}')
  for (let n = 0; n < VALUES; n++)
    await client.set(`pr:v1:iqp:all:{q${n}}`, Buffer.from(blob('first', 3).with(70, 255)))
  assert.match((await counts()).detail, /iqp:all:\{q\d+\}: count blob: checksum/)
})
