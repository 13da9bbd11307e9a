/** Is this answer the one that these scores make? */
import type { PrerankAnswer } from '../../src/prerank/answer.ts'
import { idsAt } from '../../src/prerank/answer.ts'
import type { PrerankRequest } from '../../src/prerank/request.ts'

/** What the service sent, ids as text. */
export type GivenAnswer = {
  model: { version: string }
  ids: string[]
  scores: number[]
  counts: PrerankAnswer['counts']
  degraded: string[]
}

/** Sums in another order, rows in another batch, and a second more or less in the age of events. */
const TOLERANCE = 1e-3

/** Null when it is; else the first thing that is not. `expected` ranks every candidate that has a row. */
export function findFault(
  answer: GivenAnswer,
  expected: PrerankAnswer,
  { candidates, top_k }: PrerankRequest,
): string | null {
  const ids = idsAt(candidates, expected.positions).map(String)
  const scoreOf = new Map(ids.map((id, rank) => [id, expected.scores[rank]]))
  const kept = Math.min(top_k ?? ids.length, ids.length)
  if (answer.ids.length !== kept || answer.scores.length !== kept) return `${answer.ids.length} ids, expected ${kept}`
  const counts = JSON.stringify(answer.counts)
  if (counts !== JSON.stringify(expected.counts)) return `counts ${counts}, expected ${JSON.stringify(expected.counts)}`
  if (new Set(answer.ids).size !== kept) return 'an id stands there twice'
  for (const [rank, id] of answer.ids.entries()) {
    const right = scoreOf.get(id)
    const score = answer.scores[rank]
    if (right === undefined) return `${id} at rank ${rank} is no candidate, or has no row`
    if (!(Math.abs(score - right) <= TOLERANCE)) return `${id} has score ${score}, expected ${right}`
    if (rank > 0 && score > answer.scores[rank - 1]) return `rank ${rank} is better than the one before`
  }
  // Who was left out may be better than who was kept by what the tolerance allows, not more.
  const best_left_out = ids.slice(0, kept + 1).find((id) => !answer.ids.includes(id))
  const worst = answer.scores[kept - 1]
  if (best_left_out === undefined || scoreOf.get(best_left_out)! <= worst + 2 * TOLERANCE) return null
  return `${best_left_out} with score ${scoreOf.get(best_left_out)} is left out, ${worst} is kept`
}
