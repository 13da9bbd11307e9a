/**
 * Two layouts of the same counts in Redis: one packed blob per key, whatever the number of candidates, and one hash per key
 * with a field per item, read by HMGET for all N candidates. Both are read and brought to numbers; joining blobs with candidates
 * is the kernel's work (the hash side has its values in candidate order already).
 */
import { answerReader, type StoredFeatures } from '../../src/features/stored.ts'
import { readCounts, type StoredCounts } from '../peers/node/hash_counts.ts'
import type { Bed } from './bed.ts'
import { type Cost, costInTurn } from './in_turn.ts'

const DEADLINE_MS = 5000
const SIDES = ['packed', 'hashes'] as const
type Side = (typeof SIDES)[number]

export type LayoutRow = { candidates: number; side: Side; cost: Cost; redis_cpu_us: number }

export async function compareLayouts(
  bed: Bed,
  { sizes, rounds, requests }: { sizes: number[]; rounds: number; requests: number },
): Promise<LayoutRow[]> {
  const { manifest, redis } = bed
  const store = await bed.store(0)
  try {
    const readStored = answerReader(manifest)
    const packed = async (index: number) => {
      const { plan } = bed.requests[index]
      const answer = await store.read({ ...plan.read, live: [] }, DEADLINE_MS)
      return readStored(plan, { ...answer, live: plan.read.live.map(() => null) }, bed.now_ms)
    }
    const rows: LayoutRow[] = []
    for (const candidates of sizes) {
      const ids = idsOf(bed, candidates)
      const hashes = (index: number) => readCounts(redis, bed.requests[index].plan, ids)
      for (let index = 0; index < requests; index++) await checkSame({ packed, hashes, ids, index })
      const spent: Record<Side, number[]> = { packed: [], hashes: [] }
      const counted = (side: Side, way: (index: number) => Promise<unknown>) => async (index: number) => {
        if (index === 0) spent[side].push(-(await redisCpu_us(bed)))
        await way(index)
        if (index === requests - 1) spent[side].push((spent[side].pop() ?? 0) + (await redisCpu_us(bed)))
      }
      const costs = await costInTurn<Side>(
        { packed: counted('packed', packed), hashes: counted('hashes', hashes) },
        { rounds, requests },
      )
      for (const side of SIDES) {
        const redis_cpu_us = spent[side].toSorted((a, b) => a - b)[spent[side].length >> 1] / requests
        rows.push({ candidates, side, cost: costs[side], redis_cpu_us })
      }
    }
    return rows
  } finally {
    await store.close()
  }
}

function idsOf({ table }: Bed, candidates: number): number[] {
  const rows = Uint32Array.from({ length: candidates }, (_, index) =>
    Math.floor((index * table.info.rows) / candidates),
  )
  return Array.from(table.keysOf(rows), Number)
}

/** What Redis itself has used, of both kinds. */
async function redisCpu_us({ redis }: Bed): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, value]) => Number(value))
  return 1e6 * seconds.reduce((sum, value) => sum + value, 0)
}

type Read<T> = (index: number) => Promise<T>
type Compared = {
  packed: Read<StoredFeatures>
  hashes: Read<StoredCounts>
  ids: number[]
  index: number
}

/** Every count of every candidate, and every total. */
async function checkSame({ packed, hashes, ids, index }: Compared): Promise<void> {
  const [{ blobs }, stored] = await Promise.all([packed(index), hashes(index)])
  if (blobs.length !== stored.hashes.length) throw new Error(`${blobs.length} blobs but ${stored.hashes.length} hashes`)
  for (const [place, { counts }] of blobs.entries()) {
    const { totals, fields } = stored.hashes[place]
    const rows = new Map(Array.from(counts.keys, (key, row) => [Number(key), row]))
    const columns = counts.totals.length
    for (let column = 0; column < columns; column++) {
      if (totals[column] !== counts.totals[column]) throw new Error(`request ${index}: totals differ`)
      for (const [at, id] of ids.entries()) {
        const row = rows.get(id)
        const expected = row === undefined ? 0 : counts.counts[column * counts.keys.length + row]
        const found = fields[at]?.readUInt32LE(4 * column) ?? 0
        if (found !== expected)
          throw new Error(`request ${index}, item ${id}: ${found} in the hash, ${expected} in the blob`)
      }
    }
  }
}
