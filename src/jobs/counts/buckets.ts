/**
 * Windows of one action overlap: an event of today is in the last week, month and year. Its time is cut at every window
 * start instead, into buckets that do not overlap, so that each event is counted once and a column is a sum of buckets.
 */
import type { Manifest } from '../../bundle/manifest.ts'
import { DAY_MS } from '../../day.ts'

/** Events of `action` with from_ms ≤ time < until_ms, and the columns that count them. */
export type Bucket = { action: string; from_ms: number; until_ms: number; columns: number[] }

export function countBuckets(columns: Manifest['counts']['columns'], as_of_ms: number): Bucket[] {
  const starts = columns.map(({ window_days }) => (window_days === 0 ? 0 : as_of_ms - Math.trunc(window_days * DAY_MS)))
  const buckets: Bucket[] = []
  for (const action of new Set(columns.map((column) => column.action))) {
    const mine = columns.flatMap((column, at) => (column.action === action ? [at] : []))
    const edges = [...new Set(mine.map((at) => starts[at])), as_of_ms].sort((a, b) => a - b)
    for (let at = 0; at + 1 < edges.length; at++) {
      const from_ms = edges[at]
      buckets.push({ action, from_ms, until_ms: edges[at + 1], columns: mine.filter((at) => starts[at] <= from_ms) })
    }
  }
  return buckets
}
