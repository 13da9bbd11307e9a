/** Sequence and counts of a request in one pipelined round trip: HMGET of every candidate from each hash. N candidates. */
import type { Redis } from 'ioredis'
import type { Manifest } from '../../../src/bundle/manifest.ts'
import type { ReadPlan } from '../../../src/features/plan.ts'
import { decodeEvents, emptySequence, type Sequence } from '../../../src/features/sequence.ts'
import { HASH_PREFIX, PREFIX, TOTALS_FIELD } from '../features.ts'

type Hash = { segment: string; totals: Float64Array; fields: (Buffer | null)[] }
export type StoredCounts = { sequence: Sequence; hashes: Hash[] }

export async function readCounts(redis: Redis, plan: ReadPlan, ids: readonly number[]): Promise<StoredCounts> {
  const pipeline = redis.pipeline()
  pipeline.lrangeBuffer(`${PREFIX}${plan.read.sequence}`, 0, -1)
  const wanted = ids.map(String)
  for (const { value } of plan.blobs) {
    // `call` takes one array; spreading 100k fields would overflow the stack.
    pipeline.callBuffer('HMGET', [HASH_PREFIX + plan.read.values[value], TOTALS_FIELD, ...wanted])
  }
  const [events, ...values] = ((await pipeline.exec()) ?? []).map(([error, value]) => {
    if (error) throw error
    return value
  }) as (Buffer | null)[][]
  const hashes = plan.blobs.flatMap(({ segment }, index): Hash[] => {
    const [totals, ...fields] = values[index]
    return totals ? [{ segment, totals: floats(totals), fields }] : []
  })
  return { sequence: events.length > 0 ? decodeEvents(Buffer.concat(events as Buffer[])) : emptySequence(), hashes }
}

/** Cross features [F, N], row after row: Σ counts / (Σ totals + prior), NaN where there is no total. */
export function crossFeatures(manifest: Manifest, hashes: readonly Hash[], candidates: number): Float32Array {
  const { cross_features, counts } = manifest
  const raw = new Float32Array(cross_features.length * candidates)
  for (const [index, { segment, column, prior }] of cross_features.entries()) {
    const at = counts.columns.findIndex(({ name }) => name === column)
    const parts = hashes.filter((hash) => hash.segment === segment)
    const total = parts.reduce((sum, { totals }) => sum + totals[at], 0)
    const out = raw.subarray(index * candidates, (index + 1) * candidates)
    if (total === 0) out.fill(Number.NaN)
    else for (const { fields } of parts) addRatios(out, { fields, at, divisor: total + prior })
  }
  return raw
}

type Part = { fields: (Buffer | null)[]; at: number; divisor: number }

function addRatios(out: Float32Array, { fields, at, divisor }: Part): void {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]
    if (field) out[i] += field.readUInt32LE(4 * at) / divisor
  }
}

function floats(bytes: Buffer): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer)
}
