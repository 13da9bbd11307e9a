/**
 * A request as the pipeline reads it: decoded, checked, independent of the wire format. `decode.ts` makes it from a body.
 * Shapes: N candidates, L sequence length.
 */

/** A named feature that the caller computed: one number, or a vector. */
export type FeatureValue = number | Float32Array

export type SequenceEvent = { item: string | number | bigint; action: string; time: number }

/**
 * Ids where the table's ids are strings, item keys where they are numbers or came as a CBOR typed array. `rows`, where the
 * caller has memory for them, is N long and gets the rows.
 */
export type Candidates = { ids: string[] } | { keys: BigUint64Array; rows?: Uint32Array }

export const countOf = (candidates: Candidates) =>
  'ids' in candidates ? candidates.ids.length : candidates.keys.length

export type RequestQuery = {
  text: string
  embedding?: Float32Array
  features?: Record<string, FeatureValue>
}

export type RequestUser = {
  id?: string
  country?: string
  gender?: string
  device?: string
  language?: string
  features?: Record<string, FeatureValue>
  /** Engagements in any order, at most `limits.sequence` of them; takes the place of the stored sequence. */
  sequence?: SequenceEvent[]
}

/** Whose score to take apart: the kept candidates, named ones (kept or not), or both. */
export type ExplainRequest = { survivors: boolean; named?: Candidates }

export type PrerankRequest = {
  request_id?: string
  query: RequestQuery
  user?: RequestUser
  candidates: Candidates
  /** N numbers per column; NaN is missing. */
  candidate_features?: Record<string, Float32Array>
  top_k?: number
  /** Heads that are not named weigh 0; without it the manifest's default weights hold. */
  head_weights?: Record<string, number>
  deadline_ms?: number
  explain?: ExplainRequest
}
