/** What the pipeline answers. Ids stay with the caller: `positions` index the candidates of the request. */
import type { LossReason } from '../features/lost.ts'
import type { Candidates } from './request.ts'

/** Stages of a request in the order of the diagram; `decode` and `encode` belong to the wire. */
export const STAGES = ['decode', 'resolve', 'features', 'tower', 'kernel', 'encode'] as const
export type Stage = (typeof STAGES)[number]

/** One feature of one candidate. `contribution` is how far the score falls when `transformed` is set to 0. */
export type FeatureExplanation = { raw: number | null; transformed: number; contribution: number }

export type CandidateOutcome = 'kept' | 'cut' | 'unknown' | 'not_a_candidate'

export type CandidateExplanation = {
  /** Index among the candidates; null where it is not one of them. */
  position: number | null
  /** Index among the named ids, where it was asked for by name. */
  named?: number
  outcome: CandidateOutcome
  /** From 1, over all scored candidates. */
  rank?: number
  score?: number
  /** Score minus that of the last kept candidate: negative for what fell out. */
  distance_to_cut?: number
  /** Dot product with each head's vector, before the head weights. */
  heads?: Record<string, number>
  features?: Record<string, FeatureExplanation>
}

/** What one read of the store found; `age_ms` of the newest event, or of the counts. */
export type FeatureRead =
  | { feature: string; outcome: 'hit'; age_ms?: number }
  | { feature: string; outcome: 'miss' }
  | { feature: string; outcome: 'lost'; reason: LossReason }

export type PrerankAnswer = {
  /** The one bundle that answered from begin to end. */
  model: { name: string; version: string; fingerprint: string }
  /** K long, best first. */
  positions: Uint32Array
  scores: Float32Array
  counts: { candidates: number; scored: number; unknown: number; duplicates: number }
  /** Features that the store could not give in time. */
  degraded: string[]
  /** Why, one line per problem: for the log, it may name keys. */
  problems: string[]
  reads: FeatureRead[]
  explain?: CandidateExplanation[]
  timings_ms: Partial<Record<Stage, number>>
}

/** The ids behind positions, as the decoder made them. */
export function idsAt(candidates: Candidates, positions: Uint32Array): (string | bigint)[] {
  return 'ids' in candidates
    ? Array.from(positions, (position) => candidates.ids[position])
    : Array.from(positions, (position) => candidates.keys[position])
}
