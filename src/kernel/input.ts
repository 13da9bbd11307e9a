/** The checks at the kernel's door: after them both implementations may trust every length. */
import { KernelInputError } from './errors.ts'
import type { Formula, ScoreInput, Transform } from './kernel.ts'

const CROSS_MAX = 64
const COLUMNS_MAX = 16
const HIDDEN_MAX = 64
const LAYERS_MAX = 3
const BLOBS_MAX = 1024

/** Number of features the fusion reads: dot, cross, scalars, caller columns. */
export function featureCount(formula: Formula): number {
  return 1 + formula.cross.length + formula.scalars.length + formula.caller.length
}

export function checkFormula(formula: Formula): void {
  atMost('cross features', formula.cross.length, CROSS_MAX)
  atMost('caller columns', formula.caller.length, COLUMNS_MAX)
  for (const { prior, transform } of formula.cross) {
    if (!(prior >= 0 && Number.isFinite(prior))) throw new KernelInputError(`prior is ${prior}, expected a number ≥ 0`)
    checkTransform(transform)
  }
  for (const transform of [...formula.scalars, ...formula.caller]) checkTransform(transform)
  checkLayers(formula)
}

function checkTransform({ kind, std }: Transform): void {
  if (kind !== 'log1p' && kind !== 'identity') throw new KernelInputError(`unknown transform ${kind}`)
  if (!(std > 0)) throw new KernelInputError(`transform has std ${std}, expected a number > 0`)
}

function checkLayers(formula: Formula): void {
  const { layers } = formula
  if (layers.length < 1 || layers.length > LAYERS_MAX) {
    throw new KernelInputError(`${layers.length} layers, expected 1 to ${LAYERS_MAX}`)
  }
  let inputs = featureCount(formula)
  layers.forEach(({ weights, bias }, index) => {
    const last = index === layers.length - 1
    if (bias.length < 1 || bias.length > (last ? 1 : HIDDEN_MAX)) {
      throw new KernelInputError(
        `layer ${index} has ${bias.length} outputs, expected ${last ? 1 : `1 to ${HIDDEN_MAX}`}`,
      )
    }
    if (weights.length !== inputs * bias.length) {
      const expected = `${bias.length} × ${inputs}`
      throw new KernelInputError(`layer ${index} has ${weights.length} weights, expected ${expected}`)
    }
    inputs = bias.length
  })
}

export function checkInput(input: ScoreInput): void {
  const { table, formula, keys, rows, query, blobs, columns } = input
  const { dims, scalars } = table.info
  if (query.length !== dims) throw new KernelInputError(`query vector of ${query.length}, the table has ${dims} dims`)
  if (keys.length !== rows.length) throw new KernelInputError(`${keys.length} keys, but ${rows.length} rows`)
  if (formula.scalars.length !== scalars.length) {
    throw new KernelInputError(`formula of ${formula.scalars.length} item scalars, the table has ${scalars.length}`)
  }
  if (columns.length !== formula.caller.length) {
    throw new KernelInputError(`${columns.length} caller columns, the formula has ${formula.caller.length}`)
  }
  columns.forEach((column, index) => {
    if (column && column.length !== rows.length) {
      throw new KernelInputError(`caller column ${index} has ${column.length} values for ${rows.length} candidates`)
    }
  })
  atMost('count blobs', blobs.length, BLOBS_MAX)
  blobs.forEach(({ features }, index) => {
    for (const feature of features) {
      if (feature < -1 || feature >= formula.cross.length) {
        throw new KernelInputError(`feeds cross feature ${feature} of ${formula.cross.length}`, index)
      }
    }
  })
}

export function checkCount(k: number): void {
  if (!Number.isInteger(k) || k < 0) throw new KernelInputError(`k is ${k}, expected an integer ≥ 0`)
}

export function checkPositions(positions: Uint32Array, candidates: number): void {
  for (const position of positions) {
    if (position >= candidates) throw new KernelInputError(`position ${position} of ${candidates} candidates`)
  }
}

function atMost(what: string, count: number, limit: number): void {
  if (count > limit) throw new KernelInputError(`${count} ${what}, at most ${limit} are supported`)
}
