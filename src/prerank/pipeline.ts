/**
 * The way of a request, in one direction:
 *
 *     plan ─┬─► features: one read of the store ─┐
 *           └─► resolve: candidates to rows ─────┴─► tower ─► kernel ─► answer
 *
 * Ids became keys at the door and positions leave: nothing in between sees an id. All stages spend from one budget: features
 * that would leave no time to score are given up, and a request that is out of time or of clients goes no further.
 */
import type { PrerankAnswer } from './answer.ts'
import { type Budget, createBudget } from './budget.ts'
import { explain } from './explain.ts'
import { keptCount } from './kept_count.ts'
import { readFeatures } from './read_features.ts'
import { countOf, type PrerankRequest } from './request.ts'
import { assertWhole, headVectors, resolveCandidates, scoreInput } from './score_input.ts'
import type { Serving } from './serving.ts'
import { createStopwatch } from './stopwatch.ts'

export type PrerankOptions = {
  /** Dates the user's events. */
  now_ms: number
  /** Without one the request may take as long as it takes. */
  budget?: Budget
}

/** Throws ServiceErrors; a store that is late, down or wrong only degrades the answer. */
export async function prerank(
  serving: Serving,
  request: PrerankRequest,
  { now_ms, budget = createBudget() }: PrerankOptions,
): Promise<PrerankAnswer> {
  const { bundle, kernel, limits, forecast } = serving
  const asked = countOf(request.candidates)
  const watch = createStopwatch((stage, took_ms) => forecast.seen(stage, asked, took_ms))
  const k = keptCount(request, limits)
  const plan = serving.planReads(request)
  budget.enter('features')
  const left_ms = budget.left_ms()
  const spare_ms = left_ms - forecast.rest_ms(asked, left_ms)
  const [{ stored, reads }, candidates] = await Promise.all([
    watch.time('features', () => readFeatures(serving, { plan, spare_ms, now_ms })),
    watch.time('resolve', () => resolveCandidates(serving, request.candidates)),
  ])
  budget.enter('tower')
  const vectors = await watch.time('tower', () => headVectors(serving, { request, stored, now_ms }, budget.signal))
  budget.enter('kernel')
  const input = scoreInput(serving, { request, candidates, vectors, blobs: stored.blobs })
  const { positions, scores } = await watch.time('kernel', () => kernel.topK(input, k))
  const explained =
    request.explain && (await explain(serving, { asked: request.explain, input, vectors, kept: positions.length }))
  assertWhole(bundle.table)
  const { unknown, duplicates } = candidates
  const given = candidates.rows.length
  const { name, version, fingerprint } = bundle.manifest
  return {
    model: { name, version, fingerprint },
    positions,
    scores,
    counts: { candidates: given, scored: given - unknown - duplicates, unknown, duplicates },
    degraded: stored.lost.map(({ feature }) => feature),
    explain: explained,
    reads,
    problems: stored.problems,
    timings_ms: watch.timings_ms,
  }
}
