import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { compareKeys, readSnapshot, type SnapshotRecord, writeSnapshot } from '../../src/store/snapshot.ts'
import { snapshotFiles } from '../../src/store/snapshot_files.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prerank-snapshot-'))
})
after(() => rm(directory, { recursive: true }))

async function read(path: string): Promise<SnapshotRecord[]> {
  const records = []
  for await (const record of readSnapshot(path)) records.push(record)
  return records
}

test('records come back in order, small, empty and larger than a read chunk', async () => {
  const path = join(directory, 'round.snapshot')
  const records = [
    { key: 'iqp:all:{red shoes}', value: new Uint8Array(3 * 2 ** 20).fill(7) },
    { key: 'seq:{u17}', value: new Uint8Array(0) },
    { key: 'seq:{ü}', value: Uint8Array.of(1, 2, 3) },
  ]
  assert.equal(await writeSnapshot(path, records), 3)
  assert.deepEqual(await read(path), records)
})

test('many records cross chunk borders unharmed', async () => {
  const path = join(directory, 'many.snapshot')
  const keys = Array.from({ length: 20_000 }, (_, index) => `seq:{u${index}}`).sort(compareKeys)
  const value = (key: string) => new Uint8Array(Buffer.from(key.repeat(1 + (key.length % 40))))
  await writeSnapshot(
    path,
    keys.map((key) => ({ key, value: value(key) })),
  )
  const found = await read(path)
  assert.equal(found.length, keys.length)
  for (const [index, record] of found.entries()) {
    assert.equal(record.key, keys[index])
    assert.deepEqual(record.value, value(record.key))
  }
})

test('keys are ordered by their UTF-8 bytes, not by UTF-16 units', () => {
  assert.ok(compareKeys('\u{ffff}', '\u{10000}') < 0)
  assert.ok('\u{ffff}' > '\u{10000}')
})

test('a writer that is handed unsorted keys fails and leaves nothing', async () => {
  const path = join(directory, 'unsorted.snapshot')
  const record = (key: string) => ({ key, value: Uint8Array.of(1) })
  await assert.rejects(writeSnapshot(path, [record('b'), record('a')]), /key "a" follows "b", expected ascending/)
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('unsorted')),
    [],
  )
})

test('a truncated or foreign file is refused with what was found', async () => {
  const path = join(directory, 'cut.snapshot')
  await writeSnapshot(path, [{ key: 'seq:{u}', value: Uint8Array.of(1, 2, 3, 4) }])
  const bytes = await readFile(path)
  for (const length of [0, 7, 12, 18, bytes.length - 1]) {
    await writeFile(path, bytes.subarray(0, length))
    await assert.rejects(read(path), /truncated: found \d+ bytes at offset \d+, expected \d+ for the/)
  }
  await writeFile(path, 'PARQUET!')
  await assert.rejects(read(path), { name: 'SnapshotError', message: /expected "PRSN": not a snapshot file/ })
})

test('the snapshots of a bundle are found whatever its path looks like, in the order of their names', async () => {
  const bundle = join(directory, 'bundle[1]{a,b}*')
  assert.deepEqual(snapshotFiles(bundle), [])
  await mkdir(join(bundle, 'features'), { recursive: true })
  for (const name of ['b.snapshot', 'a.snapshot', 'a.snapshot.tmp']) await writeFile(join(bundle, 'features', name), '')
  assert.deepEqual(
    snapshotFiles(bundle),
    ['a', 'b'].map((name) => join(bundle, 'features', `${name}.snapshot`)),
  )
})
