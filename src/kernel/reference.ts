/**
 * The kernel in plain TypeScript: the specification, the oracle of the native one, and the fallback where it could not
 * be compiled. Written to be read; it computes on the calling thread.
 */
import xxhash from 'xxhash-wasm'
import { contributions, fuse } from './fusion.ts'
import { checkCount, checkFormula, checkInput, checkPositions, featureCount } from './input.ts'
import { type Explanation, type Kernel, NO_ROW, type ScoreInput } from './kernel.ts'
import { featureReader } from './reference_features.ts'

const { h64Raw } = await xxhash()

export function referenceKernel(): Kernel {
  return {
    name: 'reference',
    hashIds: (ids) => BigUint64Array.from(ids, (id) => h64Raw(Buffer.from(id))),
    async resolve(table, keys, rows = new Uint32Array(keys.length)) {
      rows.set(table.rowsOf(keys))
      const seen = new Set<number>()
      let unknown = 0
      let duplicates = 0
      rows.forEach((row, position) => {
        if (row === NO_ROW) unknown++
        else if (!seen.has(row)) seen.add(row)
        else {
          duplicates++
          rows[position] = NO_ROW
        }
      })
      return { rows, unknown, duplicates }
    },
    async topK(input, k) {
      checkCount(k)
      const scores = scoreAll(input)
      const positions = Array.from(input.rows.keys()).filter((position) => hasRow(input, position))
      positions.sort((a, b) => compareScores(scores[a], scores[b]) || a - b)
      const kept = Uint32Array.from(positions.slice(0, k))
      return { positions: kept, scores: Float32Array.from(kept, (position) => scores[position]) }
    },
    async scoreAll(input) {
      return scoreAll(input)
    },
    async explain(input, positions) {
      return explain(input, positions)
    },
  }
}

function scoreAll(input: ScoreInput): Float32Array {
  checkFormula(input.formula)
  checkInput(input)
  const read = featureReader(input)
  return Float32Array.from(input.rows, (_, position) =>
    hasRow(input, position) ? fuse(input.formula.layers, read(position).transformed) : Number.NaN,
  )
}

function explain(input: ScoreInput, positions: Uint32Array): Explanation {
  checkFormula(input.formula)
  checkInput(input)
  checkPositions(positions, input.rows.length)
  const width = featureCount(input.formula)
  const read = featureReader(input)
  const raw = new Float32Array(positions.length * width).fill(Number.NaN)
  const transformed = raw.slice()
  const scores = new Float32Array(positions.length).fill(Number.NaN)
  positions.forEach((position, i) => {
    if (!hasRow(input, position)) return
    const features = read(position)
    scores[i] = fuse(input.formula.layers, features.transformed)
    raw.set(features.raw, i * width)
    transformed.set(features.transformed, i * width)
  })
  return { raw, transformed, contributions: contributions(input.formula, transformed), scores }
}

/** A row past the end of the table counts as none. */
function hasRow({ table, rows }: ScoreInput, position: number): boolean {
  return rows[position] < table.info.rows
}

/** Descending, NaN after everything. */
function compareScores(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a === b ? 0 : a < b ? 1 : -1
}
