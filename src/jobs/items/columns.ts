/** Which columns of the catalogue a manifest reads, and as what. */
import type { Manifest } from '../../bundle/manifest.ts'

export type ColumnKind = 'text' | 'number' | 'vector'
/** Manifest name (`title` of `item.title`) → how it is read. */
export type ItemColumns = Map<string, ColumnKind>

const STRENGTH: ColumnKind[] = ['text', 'number', 'vector']

/** A column that is read in two ways is read in the stricter one: a number can still be shown as text. */
export function itemColumns({ item_tower, items }: Manifest, { tower }: { tower: boolean }): ItemColumns {
  const columns: ItemColumns = new Map()
  function read(path: string, kind: ColumnKind): void {
    const name = path.replace(/^item\./, '')
    const known = columns.get(name)
    if (known === undefined || STRENGTH.indexOf(kind) > STRENGTH.indexOf(known)) columns.set(name, kind)
  }
  for (const { source } of tower ? (item_tower?.inputs ?? []) : []) {
    if (!('from' in source)) continue
    const kind = source.kind === 'vector' ? 'vector' : source.kind === 'numeric' ? 'number' : 'text'
    for (const path of [source.from].flat()) read(path, kind)
  }
  for (const scalar of items.scalars) read(scalar.from, 'number')
  if (items.content && items.content.from !== 'output') read(items.content.from, 'vector')
  return columns
}
