/** What every feature store does; `open` makes one that holds these records (sequences as concatenated events). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { encodeEvents } from '../../src/features/sequence.ts'
import type { SnapshotRecord } from '../../src/store/snapshot.ts'
import type { FeatureStore } from '../../src/store/store.ts'

export const DEADLINE_MS = 2000

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 255)
const events = encodeEvents([3, 2, 1].map((day) => ({ key: BigInt(day), action: 1, time_ms: day * 86_400_000 })))

export const RECORDS: SnapshotRecord[] = [
  { key: 'iqp:all:{red shoes}', value: bytes(200_000, 1) },
  { key: 'iqp:country=DE:{red shoes}', value: bytes(1000, 2) },
  { key: 'iqp:token:{red}', value: bytes(33, 3) },
  { key: 'iqp:token:{schön}', value: bytes(0, 4) },
  { key: 'qemb:{red shoes}', value: bytes(256, 5) },
  { key: 'seq:{u17}', value: events },
]

export function storeContract(name: string, open: (records: SnapshotRecord[]) => Promise<FeatureStore>): void {
  describe(name, () => {
    let store: FeatureStore
    before(async () => {
      store = await open(RECORDS)
    })
    after(() => store.close())

    const recordOf = (key: string) => RECORDS.find((record) => record.key === key)?.value ?? null

    test('sequence and values come back byte for byte, in the order asked', async () => {
      const keys = [
        'iqp:token:{red}',
        'iqp:all:{red shoes}',
        'qemb:{red shoes}',
        'iqp:token:{schön}',
        'iqp:country=DE:{red shoes}',
      ]
      const answer = await store.read({ sequence: 'seq:{u17}', values: keys, live: [] }, DEADLINE_MS)
      assert.deepEqual(new Uint8Array(answer.sequence!), events)
      for (const [index, key] of keys.entries()) assert.deepEqual(new Uint8Array(answer.values[index]!), recordOf(key))
      assert.deepEqual(answer.problems, [])
    })

    test('what is absent is null, and no problem', async () => {
      const keys = ['iqp:all:{unheard of}', 'iqp:token:{red}', 'qemb:{unheard of}']
      for (let time = 0; time < 2; time++) {
        const answer = await store.read({ sequence: 'seq:{nobody}', values: keys, live: [] }, DEADLINE_MS)
        assert.equal(answer.sequence, null)
        assert.deepEqual(
          answer.values.map((value) => value?.byteLength),
          [undefined, 33, undefined],
        )
        assert.deepEqual(answer.problems, [])
      }
    })

    test('a request may need only a sequence, only values, or nothing', async () => {
      const only_sequence = await store.read({ sequence: 'seq:{u17}', values: [], live: [] }, DEADLINE_MS)
      assert.equal(only_sequence.sequence?.byteLength, events.byteLength)
      assert.deepEqual(only_sequence.values, [])
      const only_values = await store.read({ sequence: null, values: ['iqp:token:{red}'], live: [] }, DEADLINE_MS)
      assert.equal(only_values.sequence, null)
      assert.equal(only_values.values[0]?.byteLength, 33)
      const nothing = await store.read({ sequence: null, values: [], live: [] }, DEADLINE_MS)
      assert.deepEqual(nothing, { sequence: null, values: [], live: [], problems: [] })
    })

    test('a hundred reads at once do not mix their answers', async () => {
      const keys = RECORDS.filter(({ key }) => !key.startsWith('seq')).map(({ key }) => key)
      const reads = Array.from({ length: 100 }, async (_, index) => {
        const key = keys[index % keys.length]
        const { values } = await store.read({ sequence: null, values: [key], live: [] }, DEADLINE_MS)
        assert.deepEqual(new Uint8Array(values[0]!), recordOf(key))
      })
      await Promise.all(reads)
    })

    test('count blobs are handed out where the kernel can read them in place', async () => {
      const { values } = await store.read(
        { sequence: null, values: ['iqp:all:{red shoes}', 'iqp:token:{red}'], live: [] },
        DEADLINE_MS,
      )
      for (const value of values) assert.equal(value!.byteOffset % 8, 0)
    })

    test('the state says what it is and that it is well', () => {
      const { ok, detail } = store.state()
      assert.ok(ok, detail)
    })
  })
}
