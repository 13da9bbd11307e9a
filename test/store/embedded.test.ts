import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { embeddedStore, openEmbeddedStore } from '../../src/store/embedded.ts'
import { createEmbeddedWrites } from '../../src/store/embedded_writes.ts'
import { compareKeys, writeSnapshot } from '../../src/store/snapshot.ts'
import { RECORDS, storeContract } from './contract.ts'
import { sequenceWrite, WRITE_LIMITS, writeContract } from './write_contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'prerank-embedded-'))
after(() => rmSync(directory, { recursive: true }))

const bytes_max = 2 ** 20

storeContract('embedded', async (records) => {
  const sequences = records.filter(({ key }) => key.startsWith('seq'))
  const rest = records.filter(({ key }) => !key.startsWith('seq')).sort((a, b) => compareKeys(a.key, b.key))
  const paths = [join(directory, 'counts.snapshot'), join(directory, 'sequences.snapshot')]
  await writeSnapshot(paths[0], rest)
  await writeSnapshot(paths[1], sequences)
  return openEmbeddedStore(paths, { bytes_max })
})

writeContract('embedded', () => openEmbeddedStore([], { bytes_max, changed: createEmbeddedWrites({ keys_max: 1000 }) }))

test('beyond the limit of keys, the one that was written longest ago is forgotten', async () => {
  const store = embeddedStore(new Map(), { changed: createEmbeddedWrites({ keys_max: 2 }) })
  const options = { now_ms: Date.now(), deadline_ms: 1, limits: WRITE_LIMITS }
  for (const [id, key] of ['a', 'b', 'a', 'c'].entries()) {
    const event = { id: `${id}`, key: 1n, action: 1, time_ms: options.now_ms }
    await store.write([sequenceWrite(`seq:{${key}}`, [event])], options)
  }
  const isThere = async (key: string) =>
    (await store.read({ sequence: `seq:{${key}}`, values: [], live: [] }, 1)).sequence !== null
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(isThere)), [true, false, true])
})

test('a key in two snapshots is refused', async () => {
  const paths = [join(directory, 'a.snapshot'), join(directory, 'b.snapshot')]
  for (const path of paths) await writeSnapshot(path, [{ key: 'seq:{u}', value: new Uint8Array(16) }])
  await assert.rejects(
    openEmbeddedStore(paths, { bytes_max }),
    /b.snapshot: key "seq:\{u\}" is in another snapshot too/,
  )
})

test('snapshots beyond the limit are refused with the way out', async () => {
  const path = join(directory, 'large.snapshot')
  await writeSnapshot(path, RECORDS)
  await assert.rejects(openEmbeddedStore([path], { bytes_max: 100_000 }), /more than 100000 bytes.*use Redis/)
})

test('without snapshots the store is empty and well', async () => {
  const store = await openEmbeddedStore([], { bytes_max })
  assert.deepEqual(await store.read({ sequence: 'seq:{u}', values: ['iqp:all:{q}'], live: [] }, 1), {
    sequence: null,
    values: [null],
    live: [],
    problems: [],
  })
})
