/** The items that performed best for a query: the highest counts of one column of a blob. */
import type { ParsedCounts } from './counts.ts'

/** At most n items with a count of 1 or more, highest first, ties by key ascending; share = count / total of the column. */
export type TopItems = { keys: BigUint64Array; shares: Float32Array }

export function topItems(blob: ParsedCounts, { column, n }: { column: number; n: number }): TopItems {
  const items = blob.keys.length
  const counts = blob.counts.subarray(column * items, (column + 1) * items)
  const best = highest(counts, n)
  const total = blob.totals[column]
  return {
    keys: BigUint64Array.from(best, (index) => blob.keys[index]),
    shares: Float32Array.from(best, (index) => counts[index] / total),
  }
}

/** Insertion into a short sorted list: almost every count fails the first comparison. Keys ascend, so ties keep their order. */
function highest(counts: Uint32Array, n: number): number[] {
  const best: number[] = []
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index]
    if (count === 0 || (best.length === n && count <= counts[best[n - 1]])) continue
    if (best.length === n) best.pop()
    let at = best.length
    while (at > 0 && counts[best[at - 1]] < count) at--
    best.splice(at, 0, index)
  }
  return best
}
