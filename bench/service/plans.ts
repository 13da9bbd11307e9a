/** What is measured: the short plan that a check can afford, the usual one, and the whole matrix. */
import type { Dtype } from '../../src/items/format.ts'

export type Tower = 'demo' | 'paper'
/** An int8 table goes with the int8 tower: its rounding is beyond the tolerance of float32 golden scores. */
export type Variant = { tower: Tower; precision: 'float32' | 'int8'; dtype: Dtype; cache: boolean }

export type Part = {
  variant: Variant
  sizes: number[]
  /** Closed loops with so many connections, then open loops at these shares of the best of them. */
  connections: number[]
  shares: number[]
}

export type Plan = { seconds: number; items: number; queries: number; parts: Part[] }

/** As their manifests say. */
const SERVED: Variant = { tower: 'demo', precision: 'float32', dtype: 'float32', cache: true }
const PAPER: Variant = { ...SERVED, tower: 'paper', precision: 'int8' }
const SIZES = [100, 1_000, 10_000, 100_000]
const CONNECTIONS = [1, 8, 64]
const SHARES = [0.5, 0.8, 0.95]
const QUERIES = 10_000

const QUICK: Plan = {
  seconds: 1.5,
  items: 200_000,
  queries: QUERIES,
  parts: [{ variant: SERVED, sizes: [1_000, 10_000, 100_000], connections: [1, 8], shares: [0.8] }],
}

const USUAL: Plan = {
  seconds: 4,
  items: 500_000,
  queries: QUERIES,
  parts: [
    { variant: SERVED, sizes: SIZES, connections: CONNECTIONS, shares: SHARES },
    { variant: { ...SERVED, cache: false }, sizes: [1_000, 100_000], connections: CONNECTIONS, shares: [] },
    { variant: PAPER, sizes: [1_000, 100_000], connections: CONNECTIONS, shares: [] },
  ],
}

const FULL: Plan = {
  seconds: 8,
  items: 1_000_000,
  queries: QUERIES,
  parts: [
    ...[SERVED, PAPER].flatMap((one): Variant[] => [
      { ...one, precision: 'float32' },
      { ...one, precision: 'int8' },
      { ...one, precision: 'int8', dtype: 'int8' },
    ]),
    { ...SERVED, cache: false },
  ].map((variant) => ({ variant, sizes: SIZES, connections: CONNECTIONS, shares: SHARES })),
}

export function planOf({ quick, full }: { quick: boolean; full: boolean }): Plan {
  if (quick && full) throw new Error('--quick and --full: expected one of them')
  return quick ? QUICK : full ? FULL : USUAL
}
