/** The counts of one group (a query or token in one segment) while its rows go by; reused from group to group. */
import type { Counts } from '../../features/counts.ts'

export type GroupLimits = {
  /** Items of one blob: the most engaged ones are kept. */
  items_max: number
  /** An item with fewer engagements in the group is not listed. */
  item_engagements_min: number
  /** A group with fewer engagements has no blob. */
  engagements_min: number
}

export type Group = {
  /** Rows of one item must follow one another, items ascending by key. */
  add(row: { key: bigint; same_item: boolean; bucket: number; events: number }): void
  /** The group's counts, or null where it has too few; leaves it empty. */
  take(as_of_ms: number): Counts | null
}

/** `bucket_columns[b]`: the columns that count bucket b. F columns in all. */
export function createGroup(bucket_columns: readonly number[][], width: number, limits: GroupLimits): Group {
  let capacity = 1024
  let keys = new BigUint64Array(capacity)
  let engagements = new Float64Array(capacity)
  /** Item after item, F counts each. */
  let counts = new Uint32Array(capacity * width)
  let items = 0

  function grow(): void {
    capacity *= 2
    keys = copyInto(new BigUint64Array(capacity), keys)
    engagements = copyInto(new Float64Array(capacity), engagements)
    counts = copyInto(new Uint32Array(capacity * width), counts)
  }

  function totals(): Float64Array {
    const sums = new Float64Array(width)
    for (let at = 0; at < items * width; at++) sums[at % width] += counts[at]
    return sums
  }

  function pick(listed: Uint32Array): Pick<Counts, 'keys' | 'counts'> {
    const picked = new Uint32Array(width * listed.length)
    for (let column = 0; column < width; column++) {
      for (let at = 0; at < listed.length; at++) {
        picked[column * listed.length + at] = counts[listed[at] * width + column]
      }
    }
    return { keys: BigUint64Array.from(listed, (item) => keys[item]), counts: picked }
  }

  return {
    add({ key, same_item, bucket, events }) {
      if (!same_item) {
        if (items === capacity) grow()
        keys[items] = key
        engagements[items] = 0
        counts.fill(0, items * width, (items + 1) * width)
        items++
      }
      engagements[items - 1] += events
      for (const column of bucket_columns[bucket]) counts[(items - 1) * width + column] += events
    },
    take(as_of_ms) {
      const total = engagements.subarray(0, items).reduce((sum, value) => sum + value, 0)
      const enough = items > 0 && total >= limits.engagements_min
      const taken = enough
        ? { as_of_ms, totals: totals(), ...pick(listedItems(engagements.subarray(0, items), limits)) }
        : null
      items = 0
      return taken
    },
  }
}

/** Positions of the items with the most engagements, ties to the lower key, back in the order of keys. */
function listedItems(engagements: Float64Array, { items_max, item_engagements_min }: GroupLimits): Uint32Array {
  const supported: number[] = []
  for (let item = 0; item < engagements.length; item++) {
    if (engagements[item] >= item_engagements_min) supported.push(item)
  }
  if (supported.length <= items_max) return Uint32Array.from(supported)
  supported.sort((a, b) => engagements[b] - engagements[a] || a - b)
  return Uint32Array.from(supported.slice(0, items_max)).sort()
}

function copyInto<T extends BigUint64Array | Float64Array | Uint32Array>(larger: T, source: T): T {
  if (larger instanceof BigUint64Array) larger.set(source as BigUint64Array)
  else larger.set(source as Float64Array | Uint32Array)
  return larger
}
