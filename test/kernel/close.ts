/** Comparison of float32 results with the reference's. */
import assert from 'node:assert/strict'

/** Relative to the larger of the value and 1: scores are sums of terms of about that size. */
export function assertClose(found: Float32Array, expected: Float32Array, what: string, tolerance = 1e-5): void {
  assert.equal(found.length, expected.length, `${what}: length`)
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [found[i], expected[i]]
    const same = a === b || (Number.isNaN(a) && Number.isNaN(b))
    const close = Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))
    assert.ok(same || close, `${what}: ${a} at ${i}, expected ${b}`)
  }
}

/** The order of the answer, by sorting: score descending, then position, NaN last; no candidate without a row. */
export function sortedPositions(scores: Float32Array, { rows, table_rows }: { rows: Uint32Array; table_rows: number }) {
  const value = (position: number) => (Number.isNaN(scores[position]) ? -Infinity : scores[position])
  const last = (position: number) => Number(Number.isNaN(scores[position]))
  const positions = Array.from(rows.keys()).filter((position) => rows[position] < table_rows)
  return positions.sort((a, b) => {
    return last(a) - last(b) || (value(a) === value(b) ? a - b : value(a) < value(b) ? 1 : -1)
  })
}
