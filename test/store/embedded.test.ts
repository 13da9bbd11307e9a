import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EVENT_BYTES, encodeEvents } from '../../src/features/sequence.ts'
import { openEmbeddedStore } from '../../src/store/embedded.ts'
import { createEmbeddedWrites } from '../../src/store/embedded_writes.ts'
import { compareKeys, writeSnapshot } from '../../src/store/snapshot.ts'
import { RECORDS, storeContract } from './contract.ts'
import { writeContract } from './write_contract.ts'

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

writeContract('embedded', () => openEmbeddedStore([], { bytes_max, changed: createEmbeddedWrites({ bytes_max }) }))

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

test('snapshots of small values count the objects that they are kept in', async () => {
  const path = join(directory, 'small.snapshot')
  const keys = Array.from({ length: 100 }, (_, index) => `seq:{u${100 + index}}`)
  await writeSnapshot(
    path,
    keys.map((key) => ({ key, value: new Uint8Array(16) })),
  )
  await assert.rejects(openEmbeddedStore([path], { bytes_max: 200_000 }), /take more than 200000 bytes/)
})

test('what engagements change stays within its bytes: the key that was written longest ago is forgotten', async () => {
  const store = await openEmbeddedStore([], { bytes_max, changed: createEmbeddedWrites({ bytes_max: 10_000 }) })
  const now_ms = Date.now()
  const limits = { ids_ttl_ms: 1e6, ids_max: 1000, sequence_ttl_ms: 1e6, live_days: 2, live_items_max: 1000 }
  const event = (key: bigint) => ({
    id: new Uint8Array(BigUint64Array.of(key).buffer),
    value: encodeEvents([{ key, action: 1, time_ms: now_ms }]),
  })
  const write = (key: string, events: number) =>
    store.write([{ kind: 'sequence', key, events: Array.from({ length: events }, (_, at) => event(BigInt(at))) }], {
      now_ms,
      deadline_ms: 100,
      limits,
    })
  const lengths = async () => {
    const read = (sequence: string) => store.read({ sequence, values: [], live: [] }, 100)
    const answers = await Promise.all(['seq:{a}', 'seq:{b}', 'seq:{c}'].map(read))
    return answers.map(({ sequence }) => (sequence?.byteLength ?? 0) / EVENT_BYTES)
  }
  for (const key of ['seq:{a}', 'seq:{b}', 'seq:{a}']) await write(key, 10)
  assert.deepEqual(await lengths(), [10, 10, 0])
  await write('seq:{c}', 30)
  assert.deepEqual(await lengths(), [10, 0, 30])
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
