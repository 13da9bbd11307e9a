/** What a load does not take: nothing is served from it, nothing of it stays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSnapshots } from '../../src/jobs/load/load.ts'
import { blob, events, target, whileWriting, writeRecords } from './load_fixture.ts'
import { countManifest } from './support.ts'

const damaged = blob('first', 3).with(70, 0xff)
const { counts, ...rest } = countManifest()
const other_columns = {
  ...rest,
  counts: { ...counts, columns: counts.columns.with(0, { ...counts.columns[0], name: 'click_1d' }) },
}

for (const { what, key, value, manifest = countManifest(), expected } of [
  {
    what: 'a damaged count blob',
    key: 'iqp:all:{q1}',
    value: damaged,
    expected: /iqp:all:\{q1\}: count blob: checksum: found/,
  },
  {
    what: 'counts of other columns',
    key: 'iqp:all:{q1}',
    value: blob('first', 3),
    manifest: other_columns,
    expected: /schema \(of click_1d,/,
  },
  {
    what: 'half an event',
    key: 'seq:{u1}',
    value: events(1).subarray(0, 15),
    expected: /seq:\{u1\}: sequence: found 15 bytes/,
  },
  { what: 'no event', key: 'seq:{u1}', value: new Uint8Array(0), expected: /seq:\{u1\}: sequence: found 0 events/ },
  { what: 'an unknown family', key: 'pop:{q1}', value: events(1), expected: /pop:\{q1\}: found the key family "pop"/ },
]) {
  test(`${what} is found before the flip`, async (t) => {
    const { options, keys } = await target(t, 'standalone')
    const files = [
      await writeRecords(
        t,
        new Map([
          ['iqp:all:{a}', blob('first', 1)],
          [key, value],
        ]),
      ),
    ]
    await assert.rejects(loadSnapshots(options({ files, manifest })), (error: Error) => {
      assert.equal(error.name, 'JobError')
      assert.match(error.message, expected)
      return true
    })
    assert.deepEqual(await keys(), [])
  })
}

const large = () => new Map(Array.from({ length: 2000 }, (_, n) => [`iqp:all:{q${n}}`, blob('first', 414)]))

test('a full Redis is one line with its address', async (t) => {
  const { options } = await target(t, 'standalone', ['--maxmemory', '4mb', '--maxmemory-policy', 'noeviction'])
  await assert.rejects(loadSnapshots(options({ files: [await writeRecords(t, large())] })), {
    name: 'JobError',
    message: /^127\.0\.0\.1:\d+: OOM command not allowed/,
  })
})

test('a Redis that goes away while it is loaded is one line with its address', async (t) => {
  const { client, options } = await target(t, 'standalone')
  const job = whileWriting(() => client.on('error', () => {}).shutdown('NOSAVE'))
  await assert.rejects(loadSnapshots(options({ files: [await writeRecords(t, large())], job })), {
    name: 'JobError',
    message: /^127\.0\.0\.1:\d+: the connection was lost: /,
  })
})
