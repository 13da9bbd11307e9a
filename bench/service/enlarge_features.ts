/**
 * The feature snapshots of a bundle with as many queries as a benchmark needs: its own, then copies of their count blobs
 * under `<query> <copy>`, so that every query has blobs of its own and caches see as many keys as with real traffic.
 */
import { globSync } from 'node:fs'
import { readSnapshot, type SnapshotRecord, writeSnapshot } from '../../src/store/snapshot.ts'

const QUERY_BLOB = /^(iqp:(?!token:)[^{]*):\{([^#].*)\}$/s
/** Longer ones are hashed in the key (docs/formats.md §2). */
const QUERY_BYTES_MAX = 128

export async function enlargeFeatures({ features, queries }: { features: string; queries: number }): Promise<void> {
  for (const path of globSync(`${features}/*.snapshot`)) {
    const records: SnapshotRecord[] = []
    for await (const record of readSnapshot(path)) records.push(record)
    const own = new Set(records.flatMap(({ key }) => (key.startsWith('iqp:all:') ? [key] : []))).size
    if (own === 0) continue
    const copies = Math.ceil(queries / own) - 1
    const more = records.flatMap((record) => copiesOf(record, copies))
    const byKey = (a: SnapshotRecord, b: SnapshotRecord) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
    await writeSnapshot(path, [...records, ...more].sort(byKey))
  }
}

function copiesOf({ key, value }: SnapshotRecord, copies: number): SnapshotRecord[] {
  const [, segment, query] = QUERY_BLOB.exec(key) ?? []
  if (query === undefined || Buffer.byteLength(query) > QUERY_BYTES_MAX - 4) return []
  return Array.from({ length: copies }, (_, copy) => ({ key: `${segment}:{${query} ${copy + 2}}`, value }))
}
