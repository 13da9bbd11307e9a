/** Nothing is timed before its answers agree. */
import assert from 'node:assert/strict'
import type { Kernel, ScoreInput } from '../../src/kernel/kernel.ts'
import { referenceKernel } from '../../src/kernel/reference.ts'

const CHECKED_CANDIDATES = 10_000
const OVERLAP_MIN = 0.999

/** The kernel ranks the first candidates as the reference does. */
export async function checkKernel(kernel: Kernel, input: ScoreInput, k: number): Promise<void> {
  const { keys, rows, ...rest } = input
  const some = { ...rest, keys: keys.slice(0, CHECKED_CANDIDATES), rows: rows.slice(0, CHECKED_CANDIDATES) }
  const [found, expected] = [await kernel.scoreAll(some), await referenceKernel().scoreAll(some)]
  found.forEach((score, i) => {
    assert.ok(Math.abs(score - expected[i]) <= 1e-5 * Math.max(1, Math.abs(expected[i])), `score ${score} at ${i}`)
  })
  checkOverlap('reference', await kernel.topK(some, k), (await referenceKernel().topK(some, k)).positions)
}

/** The same request to tables that should not differ in their answers, not by a bit. */
export async function checkSame(kernel: Kernel, inputs: ScoreInput[], k: number): Promise<void> {
  const [first, ...others] = await Promise.all(inputs.map((input) => kernel.topK(input, k)))
  for (const other of others) assert.deepEqual(other, first)
}

/** Two ways keep the same candidates but for those that rounding moves over the edge. */
export function checkOverlap(way: string, { positions }: { positions: Uint32Array }, others: Iterable<number>): void {
  const ours = new Set(positions)
  const theirs = [...others]
  const share = theirs.filter((position) => ours.has(position)).length / ours.size
  assert.ok(theirs.length === ours.size && share >= OVERLAP_MIN, `${way} agrees on ${share} of ${ours.size} candidates`)
}
