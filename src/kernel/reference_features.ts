/** The features of one candidate, raw and transformed, one at a time and in double precision. */

import { featureCount } from './input.ts'
import type { Formula, ScoreInput, Transform } from './kernel.ts'
import { type ParsedBlob, parseBlob } from './reference_blob.ts'

/** 1 / the largest float32: the native kernel multiplies by 1 / total, which has to be one. */
const TOTAL_MIN = 1 / 3.4028234663852886e38

/** y of docs/formats.md §4; the product is rounded to float32 so that it overflows where the native kernel's does. */
export function applyTransform({ kind, scale, mean, std, missing, clip }: Transform, x: number): number {
  const scaled = Math.fround(Math.fround(scale) * x)
  const y = ((kind === 'log1p' ? Math.log1p(Math.max(scaled, 0)) : scaled) - mean) / std
  if (Number.isNaN(y)) return missing
  return clip === undefined ? y : Math.min(Math.max(y, -clip), clip)
}

export type Features = { raw: Float32Array; transformed: Float32Array }

/** A function that computes the features of the candidate at a position. */
export function featureReader(input: ScoreInput): (position: number) => Features {
  const { table, formula, keys, rows, query, columns } = input
  const blobs = input.blobs.map(parseBlob)
  const totals = formula.cross.map((_, feature) => sumTotals(input, { blobs, feature }))
  const transforms = transformsOf(formula)
  const vector = new Float32Array(table.info.dims)
  const scalars = new Float32Array(table.info.scalars.length)
  return (position) => {
    const row = rows.subarray(position, position + 1)
    table.readVectors(row, vector)
    table.readScalars(row, scalars)
    const counts = countsOf(input, { blobs, key: keys[position] })
    const cross = formula.cross.map(({ prior }, f) =>
      totals[f] > 0 ? counts[f] / Math.max(totals[f] + prior, TOTAL_MIN) : Number.NaN,
    )
    const caller = columns.map((column) => (column ? column[position] : Number.NaN))
    const raw = Float32Array.from([dot(query, vector), ...cross, ...scalars, ...caller])
    return { raw, transformed: raw.map((x, c) => (c === 0 ? x : applyTransform(transforms[c - 1], x))) }
  }
}

function transformsOf(formula: Formula): Transform[] {
  const transforms = [...formula.cross.map((cross) => cross.transform), ...formula.scalars, ...formula.caller]
  if (transforms.length !== featureCount(formula) - 1) throw new Error('every feature but the dot has a transform')
  return transforms
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d]
  return sum
}

function sumTotals({ blobs: given }: ScoreInput, { blobs, feature }: { blobs: ParsedBlob[]; feature: number }): number {
  let sum = 0
  blobs.forEach(({ totals }, b) => {
    totals.forEach((total, c) => {
      if (given[b].features[c] === feature) sum += total
    })
  })
  return sum
}

function countsOf(input: ScoreInput, { blobs, key }: { blobs: ParsedBlob[]; key: bigint }): Float64Array {
  const counts = new Float64Array(input.formula.cross.length)
  blobs.forEach(({ items, columns }, b) => {
    const item = items.get(key)
    if (item === undefined) return
    columns.forEach((column, c) => {
      const feature = input.blobs[b].features[c]
      if (feature >= 0) counts[feature] += column[item]
    })
  })
  return counts
}
