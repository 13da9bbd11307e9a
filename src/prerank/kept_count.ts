/** How many candidates an answer keeps. */
import { ServiceError } from '../errors.ts'
import { countOf, type PrerankRequest } from './request.ts'
import type { ServingLimits } from './serving.ts'

export function keptCount({ candidates, top_k, explain }: PrerankRequest, limits: ServingLimits): number {
  const kept = Math.min(top_k ?? limits.top_k_default, countOf(candidates))
  if (explain?.survivors && kept > limits.explain_max) {
    throw new ServiceError('invalid_field', {
      field: 'explain',
      found: `${kept} kept candidates to explain`,
      expected: `at most ${limits.explain_max}; lower top_k or name the candidates in explain.ids`,
    })
  }
  return kept
}
