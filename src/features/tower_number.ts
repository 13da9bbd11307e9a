/**
 * What a tower may be given as a number. Towers square what they read (LayerNorm) and sum over layers, in float32: far beyond
 * this they give NaN, for every candidate of the request, where a number of the caller or of the store is what is wrong.
 */
export const TOWER_NUMBER_MAX = 1e15

export const TOWER_NUMBER = 'a number from −10^15 to 10^15'

/** NaN is none. */
export const isTowerNumber = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= TOWER_NUMBER_MAX
