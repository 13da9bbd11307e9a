/** Bytes of the item table per item, by dtype, with the demo's scalars and content embeddings. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DTYPES, type Dtype } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { enlargeBundle } from '../service/enlarge.ts'
import type { Bed } from './processes.ts'

export type TableSize = { dtype: Dtype; items: number; bytes_per_item: number }

export function tableSizes({ source, folder }: Bed, items: number): TableSize[] {
  return DTYPES.map((dtype) => {
    const bundle = join(folder, 'sizes')
    enlargeBundle({ bundle: source, into: bundle, items, dtype })
    const path = join(bundle, 'items.table')
    const table = ItemTable.open(path)
    const { rows } = table.info
    table.close()
    const { size } = statSync(path)
    rmSync(bundle, { recursive: true })
    return { dtype, items: rows, bytes_per_item: size / rows }
  })
}
