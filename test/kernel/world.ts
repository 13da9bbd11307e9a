/** Seeded item tables and score inputs, small enough to be made anew for every shape. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeCountBlob } from '../../src/features/counts.ts'
import { loadAddon } from '../../src/items/addon.ts'
import type { Dtype } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import type { CountBlob, Formula, Kernel, Layer, ScoreInput, Transform } from '../../src/kernel/kernel.ts'
import { loadKernel } from '../../src/kernel/load.ts'
import { createRandom, type Random } from '../lib/random.ts'

/** Without `vectors` (rows × dims) unit vectors are drawn. */
export type TableShape = {
  rows: number
  dims: number
  dtype: Dtype
  sketch?: boolean
  scalars?: number
  seed?: number
  vectors?: Float32Array
}

/** Every kernel this machine can run: the suite is one, its subjects are these. */
export function kernels(): Kernel[] {
  const names = loadAddon().addon ? (['reference', 'native'] as const) : (['reference'] as const)
  return names.map((name) => loadKernel(name).kernel)
}

/** Tables that are closed and gone once `body` has ended. */
export async function withTables<T>(body: (make: (shape: TableShape) => ItemTable) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'prerank-kernel-'))
  const tables: ItemTable[] = []
  try {
    return await body((shape) => {
      const path = join(directory, `${tables.length}.table`)
      writeTable(path, shape)
      tables.push(ItemTable.open(path, { checksums: true }))
      return tables.at(-1)!
    })
  } finally {
    for (const table of tables) table.close()
    rmSync(directory, { recursive: true })
  }
}

/** Key of the item in a row; keys in between are unknown. */
export const keyOf = (row: number): bigint => BigInt(row) * 3n + 1n

/** Every seventh scalar is missing. */
export function writeTable(path: string, shape: TableShape): void {
  const { rows, dims, dtype, sketch, scalars = 0, seed = 1 } = shape
  const random = createRandom(seed)
  const names = Array.from({ length: scalars }, (_, s) => `scalar${s}`)
  const writer = ItemTableWriter.create(path, { dims, dtype, sketch, id_kind: 'u64', scalars: names })
  const vectors = shape.vectors ?? unitVectors(random, { rows, dims })
  const values = Float32Array.from({ length: rows * scalars }, (_, i) => (i % 7 === 3 ? Number.NaN : random.normal()))
  writer.append({ ids: BigUint64Array.from({ length: rows }, (_, row) => keyOf(row)), vectors, scalars: values })
  writer.finish()
}

function unitVectors(random: Random, { rows, dims }: { rows: number; dims: number }): Float32Array {
  const vectors = new Float32Array(rows * dims)
  for (let row = 0; row < rows; row++) vectors.set(unitVector(random, dims), row * dims)
  return vectors
}

export function unitVector(random: Random, dims: number): Float32Array {
  const vector = Float32Array.from({ length: dims }, () => random.normal())
  const norm = Math.hypot(...vector)
  return vector.map((x) => x / norm)
}

export function identity(missing = -1): Transform {
  return { kind: 'identity', scale: 1, mean: 0, std: 1, missing }
}

export function linear(weights: number[], bias = 0): Layer[] {
  return [{ weights: Float32Array.from(weights), bias: Float32Array.of(bias) }]
}

export type Shape = { cross: number; scalars: number; caller: number; hidden: number[] }

export function randomFormula(random: Random, { cross, scalars, caller, hidden }: Shape): Formula {
  const transform = (): Transform => ({
    kind: random.uniform() < 0.5 ? 'log1p' : 'identity',
    scale: 0.5 + random.uniform(),
    mean: random.normal(),
    std: 0.5 + random.uniform(),
    missing: random.normal(),
    ...(random.uniform() < 0.5 && { clip: 1 + random.uniform() }),
  })
  const widths = [1 + cross + scalars + caller, ...hidden, 1]
  return {
    cross: Array.from({ length: cross }, () => ({ prior: random.integer(3), transform: transform() })),
    scalars: Array.from({ length: scalars }, transform),
    caller: Array.from({ length: caller }, transform),
    layers: hidden.concat(1).map((outputs, index) => ({
      weights: Float32Array.from({ length: widths[index] * outputs }, () => random.normal() / Math.sqrt(widths[index])),
      bias: Float32Array.from({ length: outputs }, () => random.normal() / 4),
    })),
  }
}

export type BlobContent = { keys: bigint[]; totals: number[]; counts: number[][]; features: number[] }

/** `counts[c][i]` belongs to `keys[i]`, which ascend. */
export function blob({ keys, totals, counts, features }: BlobContent): CountBlob {
  const bytes = encodeCountBlob({
    columns: totals.map((_, column) => `column${column}`),
    as_of_ms: 0,
    totals: Float64Array.from(totals),
    keys: BigUint64Array.from(keys),
    counts: Uint32Array.from(counts.flat()),
  })
  return { bytes, features: Int16Array.from(features) }
}

/** A blob over some of `keys`, whose columns feed random cross features or none. */
export function randomBlob(random: Random, { keys, cross }: { keys: BigUint64Array; cross: number }): CountBlob {
  const listed = [...new Set(keys)].filter(() => random.uniform() < 0.4).sort((a, b) => (a < b ? -1 : 1))
  const columns = 1 + random.integer(4)
  return blob({
    keys: listed,
    totals: Array.from({ length: columns }, () => (random.uniform() < 0.2 ? 0 : random.integer(1000))),
    counts: Array.from({ length: columns }, () => listed.map(() => random.integer(50))),
    features: Array.from({ length: columns }, () => random.integer(cross + 1) - 1),
  })
}

export type InputShape = Shape & { n: number; blobs: number; seed: number; odd_values?: boolean }

const ODD = [Number.NaN, Infinity, -Infinity, 1e-42, -1e-42, -0]

/** Candidates of which some are unknown and some repeated; with `odd_values` the caller columns hold every odd float. */
export async function randomInput(kernel: Kernel, table: ItemTable, shape: InputShape): Promise<ScoreInput> {
  const random = createRandom(shape.seed)
  const keys = BigUint64Array.from({ length: shape.n }, () => {
    return keyOf(random.integer(table.info.rows)) + (random.uniform() < 0.1 ? 1n : 0n)
  })
  const { rows } = await kernel.resolve(table, keys)
  const value = () => (shape.odd_values && random.uniform() < 0.2 ? ODD[random.integer(ODD.length)] : random.normal())
  return {
    table,
    keys,
    rows,
    formula: randomFormula(random, shape),
    query: unitVector(random, table.info.dims),
    blobs: Array.from({ length: shape.blobs }, () => randomBlob(random, { keys, cross: shape.cross })),
    columns: Array.from({ length: shape.caller }, () =>
      random.uniform() < 0.2 ? null : Float32Array.from({ length: shape.n }, value),
    ),
  }
}
