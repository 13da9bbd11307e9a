/** Records in batches that are bounded in number and bytes; what is in flight is one batch. */
import { readSnapshot, type SnapshotRecord } from '../../store/snapshot.ts'

const BATCH_RECORDS_MAX = 1000
const BATCH_BYTES_MAX = 8 * 2 ** 20

export async function* readBatches(files: readonly string[]): AsyncGenerator<SnapshotRecord[]> {
  let batch: SnapshotRecord[] = []
  let bytes = 0
  for (const file of files) {
    for await (const record of readSnapshot(file)) {
      batch.push(record)
      bytes += record.key.length + record.value.byteLength
      if (batch.length < BATCH_RECORDS_MAX && bytes < BATCH_BYTES_MAX) continue
      yield batch
      batch = []
      bytes = 0
    }
  }
  if (batch.length > 0) yield batch
}

export function isSequence({ key }: SnapshotRecord): boolean {
  return key.startsWith('seq:')
}
