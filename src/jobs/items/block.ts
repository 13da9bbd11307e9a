/** A block of accepted items, columns beside one another: what the table writer takes, and what its vectors come from. */
import type { Manifest } from '../../bundle/manifest.ts'
import { xxh64 } from '../../features/hash.ts'
import type { TowerFeed } from '../../tower/inputs.ts'
import type { Item } from './catalogue.ts'

/** Items that go through the tower, into the table, and into a saved part together. */
export const BLOCK_ITEMS = 4096

export type Block = {
  items: Item[]
  /** Inputs of the item tower, BLOCK_ITEMS rows; null without a tower. */
  feed: TowerFeed | null
}

export function blockIds({ items }: Block, id_kind: 'u64' | 'string'): string[] | BigUint64Array {
  return id_kind === 'u64' ? BigUint64Array.from(items, (item) => BigInt(item.id)) : items.map((item) => item.id)
}

/** n × S, NaN where an item has no value. */
export function blockScalars({ items }: Block, scalars: Manifest['items']['scalars']): Float32Array {
  const names = scalars.map((scalar) => scalar.from.replace(/^item\./, ''))
  return Float32Array.from({ length: items.length * names.length }, (_, at) => {
    const value = items[Math.floor(at / names.length)].values.get(names[at % names.length])
    return typeof value === 'number' ? value : Number.NaN
  })
}

/** Identifies a block's items, so that a saved part of other items is not taken for it. */
export function blockDigest({ items }: Block): string {
  return xxh64(items.map((item) => item.id).join('\n')).toString(16)
}
