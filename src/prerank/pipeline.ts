/**
 * The way of a request, in one direction:
 *
 *     plan ─┬─► features: one read of the store ─┐
 *           └─► resolve: candidates to rows ─────┴─► tower ─► kernel ─► answer
 *
 * Ids became keys at the door and positions leave: nothing in between sees an id.
 */
import { planReads } from '../features/plan.ts'
import type { PrerankAnswer } from './answer.ts'
import { explain } from './explain.ts'
import { keptCount } from './kept_count.ts'
import { readFeatures } from './read_features.ts'
import type { PrerankRequest } from './request.ts'
import { assertWhole, headVectors, resolveCandidates, scoreInput } from './score_input.ts'
import type { Serving } from './serving.ts'
import { createStopwatch } from './stopwatch.ts'

/** Throws ServiceErrors; a store that is late, down or wrong only degrades the answer. `now_ms` dates the user's events. */
export async function prerank(serving: Serving, request: PrerankRequest, now_ms: number): Promise<PrerankAnswer> {
  const { bundle, kernel, limits } = serving
  const watch = createStopwatch()
  const k = keptCount(request, limits)
  const plan = planReads(bundle.manifest, request)
  const [{ stored, reads, problems }, candidates] = await Promise.all([
    watch.time('features', () => readFeatures(serving, { plan, deadline_ms: request.deadline_ms, now_ms })),
    watch.time('resolve', () => resolveCandidates(serving, request.candidates)),
  ])
  const vectors = await watch.time('tower', () => headVectors(serving, { request, stored, now_ms }))
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
    degraded: stored.lost,
    explain: explained,
    reads,
    problems,
    timings_ms: watch.timings_ms,
  }
}
