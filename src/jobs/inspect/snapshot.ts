/** What a snapshot holds, family by family, and single records of it. */
import { readSnapshot, type SnapshotRecord } from '../../store/snapshot.ts'

export type FamilySummary = { records: number; bytes: number; largest: { key: string; bytes: number } }
export type SnapshotSummary = { path: string; families: Record<string, FamilySummary> }

export async function summariseSnapshot(path: string, signal: AbortSignal): Promise<SnapshotSummary> {
  const families: Record<string, FamilySummary> = {}
  for await (const { key, value } of readSnapshot(path)) {
    signal.throwIfAborted()
    const name = familyOf(key)
    families[name] ??= { records: 0, bytes: 0, largest: { key, bytes: 0 } }
    const family = families[name]
    family.records++
    family.bytes += value.byteLength
    if (value.byteLength > family.largest.bytes) family.largest = { key, bytes: value.byteLength }
  }
  return { path, families }
}

/** The records of the wanted keys. Records are in key order, but a file is read once whatever is asked of it. */
export async function findRecords(
  paths: readonly string[],
  wanted: (key: string) => boolean,
): Promise<SnapshotRecord[]> {
  const found: SnapshotRecord[] = []
  for (const path of paths) {
    for await (const record of readSnapshot(path)) if (wanted(record.key)) found.push(record)
  }
  return found
}

/** `iqp:country=DE:{…}` → `iqp:country`, `seq:{…}` → `seq`. */
function familyOf(key: string): string {
  return key.slice(0, key.indexOf('{')).split('=')[0].replace(/:$/, '')
}
