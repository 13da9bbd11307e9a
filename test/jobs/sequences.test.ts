import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildSequences } from '../../src/jobs/sequences/build.ts'
import { AS_OF_MS, randomLog, writeLog } from './log_fixture.ts'
import { expectedSequences } from './log_oracle.ts'
import { countManifest, quietJob, RESOURCES, snapshotRecords, testFolder } from './support.ts'

for (const format of ['parquet', 'csv', 'jsonl'] as const) {
  test(`sequences of a ${format} log hold every user's last 100 engagements, newest first`, async (t) => {
    const folder = await testFolder(t)
    const log = randomLog({ events: 20_000, seed: 9 })
    const output = join(folder, 'sequences.snapshot')
    const result = await buildSequences({
      events: await writeLog(folder, log, format),
      manifest: countManifest(),
      as_of_ms: AS_OF_MS,
      bad_share_max: 0,
      length: 100,
      output,
      resources: RESOURCES,
      job: quietJob(),
    })
    const expected = expectedSequences(log, { manifest: countManifest(), as_of_ms: AS_OF_MS })
    const found = await snapshotRecords(output)
    assert.equal(result.users, expected.size)
    assert.ok([...expected.values()].some((value) => value.byteLength === 1600))
    assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort())
    for (const [key, value] of expected) assert.deepEqual(Buffer.from(found.get(key)!), Buffer.from(value), key)
  })
}
