/** The kernel against N candidates, F cross features and K kept, one thread, processor time; what varies takes turns. */
import type { ScoreInput } from '../../src/kernel/kernel.ts'
import { makeFormula, makeRequest } from '../kernel/data.ts'
import { type Bed, openBed } from '../kernel/measure.ts'
import { type Spread, timeInTurn } from '../lib/statistics.ts'

export type KernelPoint = { candidates: number; features: number; top_k: number; resolve: Spread; score: Spread }

type Shape = { candidates: number; features: number; top_k: number }
type Options = { rounds: number; sizes: number[]; features: number[]; top_k: number[] }

const N = 100_000
const FEATURES = 5
const TOP_K = 1000

export async function growKernel(path: string, { rounds, sizes, features, top_k }: Options): Promise<KernelPoint[]> {
  const shapes: Shape[] = [
    ...sizes.map((candidates) => ({ candidates, features: FEATURES, top_k: TOP_K })),
    ...features.map((count) => ({ candidates: N, features: count, top_k: TOP_K })),
    ...top_k.map((k) => ({ candidates: N, features: FEATURES, top_k: k })),
  ]
  const bed = openBed(path)
  try {
    return await timeShapes(bed, { shapes, rounds })
  } finally {
    bed.close()
  }
}

async function timeShapes(bed: Bed, { shapes, rounds }: { shapes: Shape[]; rounds: number }): Promise<KernelPoint[]> {
  const items = bed.table.info.rows
  const evict = bed.floor.gather(makeRequest({ items, n: Math.min(items, 2 * N), seed: 99 }))
  const ways = shapes.flatMap((shape, index) => {
    const { candidates: n, features, top_k } = shape
    const { keys, rows, query, blobs } = makeRequest({ items, n, seed: 5, features })
    const formula = makeFormula('mlp16', features)
    const input: ScoreInput = { table: bed.table, formula, keys, rows, query, blobs, columns: [] }
    return [
      [`resolve ${index}`, () => bed.kernel.resolve(bed.table, keys)],
      [`score ${index}`, () => bed.kernel.topK(input, Math.min(n, top_k))],
    ] as const
  })
  const clock = bed.floor.threadClock
  const times = await timeInTurn(Object.fromEntries(ways), { rounds, before: evict, clock })
  return shapes.map((shape, index) => ({
    ...shape,
    resolve: times[`resolve ${index}`],
    score: times[`score ${index}`],
  }))
}
