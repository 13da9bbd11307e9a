/** A formula as the flat float32 list that formula.c reads. */
import type { Formula, Transform } from './kernel.ts'

export function packFormula({ cross, scalars, caller, layers }: Formula): Float32Array {
  const transforms = [...cross.map(({ transform }) => transform), ...scalars, ...caller]
  return Float32Array.from([
    cross.length,
    scalars.length,
    caller.length,
    layers.length,
    ...cross.map(({ prior }) => prior),
    ...transforms.flatMap(packTransform),
    ...layers.flatMap(({ weights, bias }) => [bias.length, ...bias, ...weights]),
  ])
}

function packTransform({ kind, scale, mean, std, missing, clip }: Transform): number[] {
  return [Number(kind === 'log1p'), scale, mean, std, missing, clip ?? Number.POSITIVE_INFINITY]
}
