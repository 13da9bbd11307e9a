/** Seeded tables and requests: M items with random unit vectors, N random candidates, F count blobs of 16k items. */
import { encodeCountBlob } from '../../src/features/counts.ts'
import type { Dtype } from '../../src/items/format.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import type { CountBlob, Formula, Layer, Transform } from '../../src/kernel/kernel.ts'
import { createRandom, type Random } from '../../test/lib/random.ts'

export const DIMS = 64
export const CROSS = 5
export const BLOB_ITEMS = 16_000
const BATCH = 100_000

/** Any 32-bit number occurs once, so keys are unique and look random. */
export function keysOf(rows: Uint32Array): BigUint64Array {
  const halves = new Uint32Array(2 * rows.length)
  for (let i = 0; i < rows.length; i++) {
    halves[2 * i] = Math.imul(rows[i], 0x9e3779b1)
    halves[2 * i + 1] = rows[i] ^ 0x5bd1e995
  }
  return new BigUint64Array(halves.buffer)
}

/** One batch of random unit vectors serves for all, shifted by some components each time: making them takes longest. */
export type TableSize = { items: number; dtype: Dtype; sketch?: boolean }

export function writeItems(path: string, { items, dtype, sketch }: TableSize): void {
  const random = createRandom(7)
  const pool = new Float32Array(BATCH * DIMS + items / BATCH)
  for (let at = 0; at < pool.length; at++) pool[at] = random.normal() / Math.sqrt(DIMS)
  const writer = ItemTableWriter.create(path, { dims: DIMS, dtype, sketch, id_kind: 'u64' })
  for (let first = 0; first < items; first += BATCH) {
    const n = Math.min(BATCH, items - first)
    const ids = keysOf(Uint32Array.from({ length: n }, (_, i) => first + i))
    const shift = first / BATCH
    writer.append({ ids, vectors: pool.subarray(shift, shift + n * DIMS) })
  }
  writer.finish()
}

export type Request = {
  rows: Uint32Array
  keys: BigUint64Array
  query: Float32Array
  blobs: CountBlob[]
  /** What the blobs come to, for those that are spared the join: [N × F], transformed. */
  cross: Float32Array
}

const TRANSFORM: Transform = { kind: 'log1p', scale: 1e5, mean: 1, std: 2, missing: 0 }

export type Fusion = 'linear' | 'mlp16'

export function makeFormula(fusion: Fusion, features = CROSS): Formula {
  const random = createRandom(11)
  const layer = (inputs: number, outputs: number): Layer => ({
    weights: Float32Array.from({ length: inputs * outputs }, () => random.normal() / Math.sqrt(inputs)),
    bias: Float32Array.from({ length: outputs }, () => random.normal() / 4),
  })
  return {
    cross: Array.from({ length: features }, () => ({ prior: 1, transform: TRANSFORM })),
    scalars: [],
    caller: [],
    layers: fusion === 'linear' ? [layer(1 + features, 1)] : [layer(1 + features, 16), layer(16, 1)],
  }
}

export type Draw = { items: number; n: number; seed: number; features?: number }

/** Distinct candidates. Each blob lists 16k items, half of them candidates, or half of the candidates if they are few. */
export function makeRequest({ items, n, seed, features = CROSS }: Draw): Request {
  const random = createRandom(seed)
  const rows = distinct(random, { count: n, below: items })
  const positions = new Int32Array(items).fill(-1)
  rows.forEach((row, position) => {
    positions[row] = position
  })
  const cross = new Float32Array(n * features).fill(transformed(0))
  const listed = Math.min(BLOB_ITEMS / 2, n >> 1)
  const blobs = Array.from({ length: features }, (_, feature) => {
    const candidates = distinct(random, { count: listed, below: n }).map((position) => rows[position])
    const others = distinct(random, { count: Math.min(BLOB_ITEMS, items) - listed, below: items })
    const blob_rows = [...new Set([...candidates, ...others])]
    for (const row of blob_rows) {
      if (positions[row] >= 0) cross[positions[row] * features + feature] = transformed(countOf(row))
    }
    return makeBlob(Uint32Array.from(blob_rows), feature)
  })
  const query = Float32Array.from({ length: DIMS }, () => random.normal() / Math.sqrt(DIMS))
  return { rows, keys: keysOf(rows), query, blobs, cross }
}

const TOTAL = 1e6
const countOf = (row: number) => 1 + (row % 100)

function transformed(count: number): number {
  return (Math.log1p((count / (TOTAL + 1)) * TRANSFORM.scale) - TRANSFORM.mean) / TRANSFORM.std
}

function makeBlob(rows: Uint32Array, feature: number): CountBlob {
  const keys = keysOf(rows).sort()
  const halves = new Uint32Array(keys.buffer)
  const counts = Uint32Array.from(keys, (_, i) => countOf((halves[2 * i + 1] ^ 0x5bd1e995) >>> 0))
  const bytes = encodeCountBlob({ columns: ['clicks'], as_of_ms: 0, totals: Float64Array.of(TOTAL), keys, counts })
  // The service has verified the checksum when the blob entered its cache.
  return { bytes, features: Int16Array.of(feature), checked: true }
}

function distinct(random: Random, { count, below }: { count: number; below: number }): Uint32Array {
  if (count > below / 2) return shuffled(random, below).subarray(0, count)
  const taken = new Uint8Array(below)
  return Uint32Array.from({ length: count }, () => {
    let one = random.integer(below)
    while (taken[one]) one = random.integer(below)
    taken[one] = 1
    return one
  })
}

function shuffled(random: Random, length: number): Uint32Array {
  const values = Uint32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const other = random.integer(i + 1)
    const value = values[i]
    values[i] = values[other]
    values[other] = value
  }
  return values
}
