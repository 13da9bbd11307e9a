/**
 * The demo bundle with a catalogue as large as a benchmark needs: its own items first, under their own ids (so its golden
 * requests still hold), then copies of them under new ids. Vectors, scalars and content keep their real distribution.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { fingerprintOf } from '../../src/bundle/read_manifest.ts'
import type { Dtype } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'

export type Enlarge = { bundle: string; into: string; items: number; dtype?: Dtype }

export function enlargeBundle({ bundle, into, items, dtype: wanted }: Enlarge): void {
  cpSync(bundle, into, { recursive: true, filter: (path) => !path.endsWith('items.table') })
  const source = ItemTable.open(join(bundle, 'items.table'))
  const { rows: M, dims, id_kind, scalars, content_dims } = source.info
  const dtype = wanted ?? source.info.dtype
  const fingerprint = declareDtype(into, dtype)
  if (id_kind !== 'u64') throw new Error(`${bundle}: ids are ${id_kind}, copies need integer ids`)
  const all = Uint32Array.from({ length: M }, (_, row) => row)
  const keys = source.keysOf(all)
  const step = keys.toSorted()[M - 1] + 1n
  const values = (width: number) => (width ? new Float32Array(M * width) : undefined)
  const batch = { vectors: new Float32Array(M * dims), scalars: values(scalars.length), content: values(content_dims) }
  source.readVectors(all, batch.vectors)
  if (batch.scalars) source.readScalars(all, batch.scalars)
  if (batch.content) source.readContent(all, batch.content)
  source.close()
  const writer = ItemTableWriter.create(join(into, 'items.table'), {
    dims,
    dtype,
    id_kind,
    scalars,
    content_dims,
    fingerprint,
  })
  try {
    for (let copy = 0; copy * M < items; copy++) {
      const ids = keys.map((key) => key + BigInt(copy) * step)
      writer.append({ ids, ...batch })
    }
    writer.finish()
  } finally {
    writer.abort()
  }
}

/** Returns the fingerprint: a manifest with another dtype is another manifest. */
function declareDtype(bundle: string, dtype: Dtype): string {
  const path = join(bundle, 'manifest.json')
  const manifest: Manifest = JSON.parse(readFileSync(path, 'utf8'))
  if (manifest.items.dtype === dtype) return manifest.fingerprint
  manifest.items.dtype = dtype
  const bytes = Buffer.from(JSON.stringify(manifest, null, 2))
  const fingerprint = fingerprintOf(bytes, manifest.fingerprint)
  writeFileSync(path, bytes.toString().replace(manifest.fingerprint, fingerprint))
  return fingerprint
}
