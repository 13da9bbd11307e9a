/** Ordered entries → count blobs, one at a time. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import { type Counts, encodeCountBlob } from '../../features/counts.ts'
import type { SnapshotRecord } from '../../store/snapshot.ts'
import type { Group } from './group.ts'

export type PackOptions = {
  chunks: AsyncIterable<DuckDBDataChunk>
  group: Group
  columns: readonly string[]
  as_of_ms: number
  /** Store key of a group. */
  keyOf(value_id: number, group_id: number): Promise<string>
}

/** `chunks` hold (value_id, group_id, item_key, bucket, events) in that order. */
export async function* packBlobs({
  chunks,
  group,
  columns,
  as_of_ms,
  keyOf,
}: PackOptions): AsyncGenerator<SnapshotRecord> {
  let value_id = -1
  let group_id = -1
  let key = 0n

  async function finish(): Promise<SnapshotRecord | null> {
    const counts: Counts | null = group.take(as_of_ms)
    if (counts === null) return null
    return { key: await keyOf(value_id, group_id), value: encodeCountBlob({ ...counts, columns }) }
  }

  for await (const chunk of chunks) {
    const [values, groups, keys, buckets, events] = [0, 1, 2, 3, 4].map((column) => chunk.getColumnVector(column))
    for (let at = 0; at < chunk.rowCount; at++) {
      const value = Number(values.getItem(at))
      const next = Number(groups.getItem(at))
      const same_group = value === value_id && next === group_id
      if (!same_group) {
        const record = await finish()
        if (record) yield record
        value_id = value
        group_id = next
      }
      const item = keys.getItem(at) as bigint
      group.add({
        key: item,
        same_item: same_group && item === key,
        bucket: Number(buckets.getItem(at)),
        events: Number(events.getItem(at)),
      })
      key = item
    }
  }
  const last = await finish()
  if (last) yield last
}
