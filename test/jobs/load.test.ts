import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCountBlob } from '../../src/features/counts.ts'
import { loadSnapshots } from '../../src/jobs/load/load.ts'
import { silentProgress } from '../../src/jobs/run/progress.ts'
import { openRedisStore } from '../../src/store/redis.ts'
import { blob, COLUMNS, events, generation, target, VALUES, whileWriting, writeRecords } from './load_fixture.ts'

for (const kind of ['standalone', 'cluster'] as const) {
  test(`${kind}: what is served after a load is what the snapshot holds, and nothing of the version before`, async (t) => {
    const { client, options, keys } = await target(t, kind)
    const [first, second] = [generation('first'), generation('second')]
    await loadSnapshots(options({ files: [await writeRecords(t, first)], version: 'v1' }))
    const result = await loadSnapshots(options({ files: [await writeRecords(t, second)], version: 'v2' }))
    assert.deepEqual(
      {
        version: result.version,
        previous: result.previous,
        values: result.values,
        sequences: result.sequences,
        removed: result.removed,
      },
      { version: 'v2', previous: 'v1', values: VALUES, sequences: 2, removed: VALUES },
    )
    assert.equal(await client.get('pr:current'), 'v2')
    const expected = [
      'pr:current',
      'pr:versions',
      'pr:seq:{u1}',
      'pr:seq:{ü 2}',
      ...[...second.keys()].filter((key) => key.startsWith('iqp')).map((key) => `pr:v2:${key}`),
    ]
    assert.deepEqual(await keys(), expected.sort())
    for (const [key, value] of second) {
      if (key.startsWith('iqp')) assert.deepEqual(await client.getBuffer(`pr:v2:${key}`), Buffer.from(value))
    }
    assert.deepEqual(
      Buffer.concat(await client.lrangeBuffer('pr:seq:{u1}', 0, -1)),
      Buffer.from(second.get('seq:{u1}')!),
    )
  })

  test(`${kind}: a load stopped before the flip changes nothing that is served, and leaves nothing`, async (t) => {
    const { client, options, keys } = await target(t, kind)
    await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
    const before = await keys()
    const controller = new AbortController()
    const progress = {
      ...silentProgress(),
      step: () => ({ advance: () => controller.abort(new Error('stop')), finish() {} }),
    }
    const second = await writeRecords(t, generation('second'))
    await assert.rejects(
      loadSnapshots(options({ files: [second], version: 'v2', job: { signal: controller.signal, progress } })),
      /stop/,
    )
    assert.deepEqual(await keys(), before)
    assert.deepEqual(await client.getBuffer('pr:v1:iqp:all:{q5}'), Buffer.from(blob('first', 6)))
    await loadSnapshots(options({ files: [second], version: 'v2' }))
    assert.deepEqual(await client.getBuffer('pr:v2:iqp:all:{q5}'), Buffer.from(blob('second', 6)))
  })
}

test('a killed load leaves staged keys, and the next load removes them', async (t) => {
  const { client, options, keys } = await target(t, 'standalone')
  await client.hset('pr:versions', 'v0', 'c0')
  await client.set('pr:v0:iqp:all:{q1}', 'from a load that was killed')
  await client.rpush('pr:v0:seq:{u1}', 'x'.repeat(16))
  await client.set('pr:qemb:{q1}', 'not versioned')
  await client.set('other:v0:iqp:all:{q1}', 'of another prefix')
  await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
  const left = (await keys()).filter((key) => key.includes('v0') || key.includes('qemb'))
  assert.deepEqual(left, ['other:v0:iqp:all:{q1}', 'pr:qemb:{q1}'])
  assert.deepEqual(await client.hkeys('pr:versions'), ['v1'])
})

for (const kind of ['standalone', 'cluster'] as const) {
  test(`${kind}: deployments whose prefixes begin alike leave each other alone`, async (t) => {
    const { client, options, keys, url } = await target(t, kind)
    const neighbour = { url, cluster: kind === 'cluster', prefix: 'pr:eu:' }
    const [first, second] = [await writeRecords(t, generation('first')), await writeRecords(t, generation('second'))]
    await loadSnapshots(options({ files: [first], target: neighbour }))
    await client.set('pr:eu:iqp-live:all:{q1}', 'since the build')
    const before = (await keys()).filter((key) => key.startsWith('pr:eu:'))
    await loadSnapshots(options({ files: [first], version: 'd1' }))
    await loadSnapshots(options({ files: [second], version: 'd2' }))
    assert.deepEqual(
      (await keys()).filter((key) => key.startsWith('pr:eu:')),
      before,
    )
    assert.equal((await keys()).filter((key) => key.startsWith('pr:d1:')).length, 0)
    await assert.rejects(
      loadSnapshots(options({ files: [first], version: 'eu' })),
      /version "eu": there is pr:eu:current, another deployment/,
    )
  })
}

test('a version that was loaded before versions were written down is removed by the next load', async (t) => {
  const { client, options } = await target(t, 'standalone')
  await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
  await client.del('pr:versions')
  const result = await loadSnapshots(options({ files: [await writeRecords(t, generation('second'))], version: 'v2' }))
  assert.equal(result.removed, VALUES)
  assert.deepEqual(await client.hkeys('pr:versions'), ['v2'])
})

test('the served version takes its own content again, and no other', async (t) => {
  const { client, options, keys } = await target(t, 'standalone')
  const first = await writeRecords(t, generation('first'))
  await loadSnapshots(options({ files: [first] }))
  const before = await keys()
  await assert.rejects(
    loadSnapshots(options({ files: [await writeRecords(t, generation('second'))] })),
    /version "v1" is served and has other content \(c[0-9a-f]{16}, not c[0-9a-f]{16}\); give another --name/,
  )
  assert.deepEqual(await client.getBuffer('pr:v1:iqp:all:{q5}'), Buffer.from(blob('first', 6)))
  await loadSnapshots(options({ files: [first] }))
  assert.deepEqual(await keys(), before)
})

test('what a killed load of other content left under the same name does not join the version', async (t) => {
  const { client, options } = await target(t, 'standalone')
  await client.hset('pr:versions', 'v1', 'c0')
  await client.set('pr:v1:iqp:all:{left over}', 'from a load that was killed')
  await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
  assert.equal(await client.exists('pr:v1:iqp:all:{left over}'), 0)
})

test('a sequence keeps what was pushed since its newest event, and a rerun changes nothing', async (t) => {
  const { client, options } = await target(t, 'standalone')
  const pushed = events(20, 9)
  await client.rpush(
    'pr:seq:{u1}',
    Buffer.from(pushed.subarray(0, 16)),
    Buffer.from(pushed.subarray(16)),
    Buffer.from(events(2)),
  )
  const files = [await writeRecords(t, generation('first'))]
  const read = async () => Buffer.concat(await client.lrangeBuffer('pr:seq:{u1}', 0, -1))
  await loadSnapshots(options({ files }))
  // Newer than the newest staged event, or of the same time and another item; what is older comes from the batch.
  const expected = Buffer.concat([pushed, events(9, 5, 1)])
  assert.deepEqual(await read(), expected)
  await loadSnapshots(options({ files }))
  assert.deepEqual(await read(), expected)
})

test('a load leaves the time when a sequence expires as it is', async (t) => {
  const { client, options } = await target(t, 'standalone')
  await client.rpush('pr:seq:{u1}', Buffer.from(events(12)))
  await client.pexpire('pr:seq:{u1}', 60_000)
  const sequences = new Map([
    ['seq:{u1}', events(5, 1)],
    ['seq:{u2}', events(5)],
  ])
  await loadSnapshots(options({ files: [await writeRecords(t, sequences)] }))
  const left_ms = await client.pttl('pr:seq:{u1}')
  assert.ok(left_ms > 0 && left_ms <= 60_000, `${left_ms}`)
  assert.equal(await client.llen('pr:seq:{u1}'), 3)
  assert.equal(await client.pttl('pr:seq:{u2}'), -1, 'one that only a load has written stays')
})

test('sequences are cut to 100 when they meet pushed events', async (t) => {
  const { client, options } = await target(t, 'standalone')
  const batch = events(...Array.from({ length: 100 }, (_, n) => 100 - n))
  await client.rpush('pr:seq:{u1}', Buffer.from(events(500)))
  await loadSnapshots(options({ files: [await writeRecords(t, new Map([['seq:{u1}', batch]]))] }))
  const found = await client.lrangeBuffer('pr:seq:{u1}', 0, -1)
  assert.equal(found.length, 100)
  assert.deepEqual(Buffer.concat(found), Buffer.concat([events(500), batch.subarray(0, 99 * 16)]))
})

test('a load of sequences alone leaves the served version', async (t) => {
  const { client, options } = await target(t, 'standalone')
  await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
  const result = await loadSnapshots(
    options({ files: [await writeRecords(t, new Map([['seq:{u9}', events(1)]]))], version: 'v2' }),
  )
  assert.equal(result.values, 0)
  assert.deepEqual(await client.hkeys('pr:versions'), ['v1'])
  assert.equal(await client.get('pr:current'), 'v1')
  assert.equal(await client.llen('pr:seq:{u9}'), 1)
  assert.equal(await client.exists('pr:v1:iqp:all:{q1}'), 1)
})

test('two loads at once: the second is told to wait', async (t) => {
  const { client, options } = await target(t, 'standalone')
  await client.set('pr:loading', 'somebody', 'PX', 30_000)
  const files = [await writeRecords(t, generation('first'))]
  await assert.rejects(loadSnapshots(options({ files })), /another load is running: pr:loading is held/)
  await client.del('pr:loading')
  await loadSnapshots(options({ files }))
  assert.equal(await client.exists('pr:loading'), 0)
})

test('a load that stood still until another one ran flips nothing and removes nothing', async (t) => {
  const { client, options, keys } = await target(t, 'standalone')
  await loadSnapshots(options({ files: [await writeRecords(t, generation('first'))] }))
  const files = [await writeRecords(t, generation('second'))]
  // The other one served the same version by the time this one wakes up.
  const job = whileWriting(() => client.set('pr:loading', 'somebody', 'PX', 30_000))
  await assert.rejects(
    loadSnapshots(options({ files, version: 'v2', job })),
    /pr:loading: found it gone or another load's: this one stood still for too long/,
  )
  assert.equal(await client.get('pr:current'), 'v1')
  assert.equal(await client.get('pr:loading'), 'somebody')
  const left = (await keys()).filter((key) => key.startsWith('pr:v2:iqp'))
  assert.equal(left.length, VALUES)
  assert.deepEqual((await client.hkeys('pr:versions')).sort(), ['v1', 'v2'])
})

test('the pointer moves only from where the load found it', async (t) => {
  const { client, options } = await target(t, 'standalone')
  const files = [await writeRecords(t, generation('first'))]
  const job = whileWriting(() => client.set('pr:current', 'v9'))
  await assert.rejects(loadSnapshots(options({ files, job })), /pr:current: found "v9", expected "" as when this load/)
  assert.equal(await client.get('pr:current'), 'v9')
})

test('a Redis that evicts what was written is found before the flip', async (t) => {
  const args = ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random']
  const { client, options } = await target(t, 'standalone', args)
  await loadSnapshots(options({ files: [await writeRecords(t, new Map([['seq:{u1}', events(1)]]))] }))
  const large = new Map(Array.from({ length: 1000 }, (_, n) => [`iqp:all:{q${n}}`, blob('first', 414)]))
  const load = loadSnapshots(options({ files: [await writeRecords(t, large)], version: 'v2' }))
  await assert.rejects(
    load,
    /iqp:all:\{q\d+\}: found nothing, expected the 10000 bytes written; is Redis evicting keys\?/,
  )
  assert.equal(await client.get('pr:current'), null)
})

test('under reads every answer is of one generation, before, during and after the flip', async (t) => {
  const { options, url } = await target(t, 'standalone')
  const files = {
    first: await writeRecords(t, generation('first')),
    second: await writeRecords(t, generation('second')),
  }
  await loadSnapshots(options({ files: [files.first] }))
  const store = await openRedisStore({
    url,
    cluster: false,
    connect_timeout_ms: 2000,
    prefix: 'pr:',
    deadline_ms: 5000,
    cache: { bytes_max: 2 ** 20, ttl_ms: 10_000 },
    version_refresh_ms: 20,
  })
  t.after(() => store.close())
  const seen = new Map<number | null, number>()
  let loading = true
  async function reader(): Promise<void> {
    for (let n = 0; loading || n < 50; n++) {
      const values = [n % VALUES, (n * 7) % VALUES].map((at) => `iqp:all:{q${at}}`)
      const answer = await store.read({ sequence: null, values, live: [] }, 5000)
      const names = answer.values.map((value) => (value ? parseCountBlob(value, COLUMNS).as_of_ms : null))
      assert.equal(names[0], names[1])
      seen.set(names[0], (seen.get(names[0]) ?? 0) + 1)
    }
  }
  const readers = [reader(), reader(), reader()]
  await loadSnapshots(options({ files: [files.second], version: 'v2', grace_ms: 300 }))
  loading = false
  await Promise.all(readers)
  assert.deepEqual([...seen.keys()].sort(), [1, 2])
})

test('a version that could be taken for a key family is refused', async (t) => {
  const { options } = await target(t, 'standalone')
  await assert.rejects(loadSnapshots(options({ files: [], version: 'iqp' })), /version "iqp"/)
  await assert.rejects(loadSnapshots(options({ files: [], version: 'a:b' })), /version "a:b"/)
})
