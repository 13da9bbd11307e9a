/** The measured constants that docs/scaling.md calculates with, out of the report of scale. */
import type { Dtype } from '../../src/items/format.ts'
import type { RequestPoint } from './requests.ts'
import type { ScaleReport } from './scale.ts'

export type Constants = {
  cpu_s_fixed: number
  cpu_s_per_candidate: number
  /** How much longer the kernel takes per candidate at the largest table than at the one that requests were measured on. */
  cpu_growth_with_items: number
  items_max: number
  table_bytes_per_item: Record<Dtype, number>
  process_bytes: number
  request_bytes_fixed: number
  request_bytes_per_candidate: number
  response_bytes: number
  redis_bytes_per_key: number
  redis_bytes_per_request: number
}

const FEW = 1_000
const MANY = 100_000

/** CBOR, a line through 1k and 100k candidates: what large requests should use. */
export function constantsOf({ requests, growth, tables, sharing }: ScaleReport): Constants {
  const [few, many] = [FEW, MANY].map((candidates) => pointAt(requests.points, candidates))
  const slope = (key: 'cpu_s_per_request' | 'request_bytes') => (many[key] - few[key]) / (MANY - FEW)
  const cpu_s_per_candidate = slope('cpu_s_per_request')
  const request_bytes_per_candidate = slope('request_bytes')
  const by_items = growth.filter(({ what }) => what === 'items').sort((a, b) => a.items - b.items)
  const largest = by_items[by_items.length - 1]
  const measured_on = by_items.find(({ items }) => items === 1_000_000) ?? by_items[0]
  const together = sharing[sharing.length - 1].memory
  return {
    cpu_s_fixed: few.cpu_s_per_request - FEW * cpu_s_per_candidate,
    cpu_s_per_candidate,
    cpu_growth_with_items: Math.max(1, largest.total.low / measured_on.total.low),
    items_max: largest.items,
    table_bytes_per_item: Object.fromEntries(tables.map((one) => [one.dtype, one.bytes_per_item])) as Record<
      Dtype,
      number
    >,
    process_bytes: Math.max(...together.map(({ private_bytes }) => private_bytes)),
    request_bytes_fixed: few.request_bytes - FEW * request_bytes_per_candidate,
    request_bytes_per_candidate,
    response_bytes: few.response_bytes,
    redis_bytes_per_key: requests.store.bytes_per_key,
    redis_bytes_per_request: Math.max(few.redis_bytes_per_request, many.redis_bytes_per_request),
  }
}

function pointAt(points: RequestPoint[], candidates: number): RequestPoint {
  const found = points.find((point) => point.format === 'cbor' && point.candidates === candidates)
  if (!found) throw new Error(`the report of scale has no CBOR requests of ${candidates} candidates`)
  return found
}
