/**
 * The scoring kernel's contract. Two implementations hold it, `reference.ts` (the specification) and the native one;
 * one suite runs over both. Shapes: N candidates, D dims, F cross features, S item scalars, U caller columns, K kept.
 */
import type { ItemTable } from '../items/item_table.ts'

/** Row of a candidate that the table does not hold, or that an earlier candidate already is. */
export const NO_ROW = 0xffffffff

export type Transform = {
  kind: 'log1p' | 'identity'
  scale: number
  mean: number
  std: number
  missing: number
  clip?: number
}

/** Dense layers, ReLU between them; weights row-major [out × in]; the last layer has one output. Linear = one layer. */
export type Layer = { weights: Float32Array; bias: Float32Array }

/** What is fixed for a bundle. Feature order: dot, F cross features, S scalars, U caller columns. */
export type Formula = {
  cross: { prior: number; transform: Transform }[]
  scalars: Transform[]
  caller: Transform[]
  layers: Layer[]
}

/**
 * One count blob (docs/formats.md §3); `features[c]` is the cross feature that column c feeds, or −1. Structure and
 * bounds are verified in every call, the checksum unless `checked` says that the caller has done it (a cached blob).
 */
export type CountBlob = { bytes: Uint8Array; features: Int16Array; checked?: boolean }

export type Resolved = {
  /** One row per candidate, N long; NO_ROW for unknown and repeated candidates. */
  rows: Uint32Array
  unknown: number
  duplicates: number
}

export type ScoreInput = {
  table: ItemTable
  formula: Formula
  /** Candidate keys, N long: the join with the blobs reads them. */
  keys: BigUint64Array
  rows: Uint32Array
  /** Folded query vector, D long. */
  query: Float32Array
  blobs: CountBlob[]
  /** U caller columns, N long each; NaN is missing. Null = the whole column is missing. */
  columns: (Float32Array | null)[]
}

/** Descending score, ties by position, NaN last; candidates without a row never appear. */
export type TopK = { positions: Uint32Array; scores: Float32Array }

/**
 * Column c of candidate i stands at [i × width + c]; width = 1 + F + S + U, in feature order. A raw value is NaN where it
 * is missing. A contribution is how far the score falls when the transformed feature is set to 0; with a linear fusion
 * that is weight × feature.
 */
export type Explanation = {
  raw: Float32Array
  transformed: Float32Array
  contributions: Float32Array
  scores: Float32Array
}

/** Methods reject with a KernelInputError (errors.ts) when the input is inconsistent or a count blob is damaged. */
export interface Kernel {
  readonly name: 'native' | 'reference'
  /** Keys of string ids: XXH64 of their UTF-8 bytes. */
  hashIds(ids: string[]): BigUint64Array
  /**
   * Keys → rows of `table`; later repetitions of a candidate get NO_ROW and count as duplicates. `memory` is as long as
   * `keys`; the rows are in it, where it is given.
   */
  resolve(table: ItemTable, keys: BigUint64Array, memory?: Uint32Array): Promise<Resolved>
  topK(input: ScoreInput, k: number): Promise<TopK>
  /** Scores of all candidates, N long, NaN where there is no row. */
  scoreAll(input: ScoreInput): Promise<Float32Array>
  /** Columns behind the scores of the candidates at `positions`. */
  explain(input: ScoreInput, positions: Uint32Array): Promise<Explanation>
}
