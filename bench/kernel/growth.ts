/** How the time for 100,000 candidates grows with the items of the table, and falls with threads. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ItemTable } from '../../src/items/item_table.ts'
import { type Spread, timeInTurn, wallClock } from '../lib/statistics.ts'
import { makeFormula, makeRequest, writeItems } from './data.ts'
import { measure, openBed, TOP_K } from './measure.ts'

export type Growth = {
  what: 'items' | 'threads'
  dtype: string
  items: number
  threads: number
  candidates: number
  /** Milliseconds: processor time of one thread for items, time on the clock for threads. */
  total: Spread
  open_ms: number | null
}

const CANDIDATES = 100_000

export async function growthWithItems(folder: string, { quick }: { quick: boolean }): Promise<Growth[]> {
  const sizes = quick ? [100_000, 1_000_000] : [100_000, 1_000_000, 4_000_000, 10_000_000, 20_000_000]
  const found: Growth[] = []
  for (const items of sizes) {
    const path = join(folder, 'growth.table')
    writeItems(path, { items, dtype: 'int8' })
    const open_ms = timeOpen(path)
    const bed = openBed(path)
    const { total } = await measure(bed, { n: CANDIDATES, fusion: 'mlp16', rounds: quick ? 9 : 31 })
    bed.close()
    rmSync(path)
    found.push({ what: 'items', dtype: 'int8', items, threads: 1, candidates: CANDIDATES, total, open_ms })
  }
  return found
}

function timeOpen(path: string): number {
  const start_ms = performance.now()
  const table = ItemTable.open(path)
  const taken_ms = performance.now() - start_ms
  table.close()
  return taken_ms
}

/** 1 and 2 threads and so on, in turn over one table. */
export async function growthWithThreads(path: string, { quick }: { quick: boolean }): Promise<Growth[]> {
  const beds = [1, 2, 4].map((threads) => ({ threads, bed: openBed(path, { threads }) }))
  const found: Growth[] = []
  for (const candidates of quick ? [CANDIDATES] : [CANDIDATES, 10 * CANDIDATES]) {
    const items = beds[0].bed.table.info.rows
    const { blobs, keys, rows, query } = makeRequest({ items, n: candidates, seed: 5 })
    const input = { formula: makeFormula('mlp16'), keys, rows, query, blobs, columns: [] }
    const ways = beds.map(({ threads, bed: { table, kernel } }) => [
      String(threads),
      async () => {
        await kernel.resolve(table, keys)
        await kernel.topK({ ...input, table }, TOP_K)
      },
    ])
    const evict = beds[0].bed.floor.gather(makeRequest({ items, n: 150_000, seed: 98 }))
    const times = await timeInTurn(Object.fromEntries(ways), {
      rounds: quick ? 9 : 31,
      before: evict,
      clock: wallClock,
    })
    for (const { threads, bed } of beds) {
      const { dtype } = bed.table.info
      found.push({ what: 'threads', dtype, items, threads, candidates, total: times[threads], open_ms: null })
    }
  }
  for (const { bed } of beds) bed.close()
  return found
}
