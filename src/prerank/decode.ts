/**
 * A body becomes a request. The schema checks the frame, tight passes check the per-candidate data, and the bundle says
 * which names exist. Whether the body came as JSON or CBOR makes no difference here: typed arrays stand for arrays.
 */
import { Compile } from 'typebox/compile'
import { invalidField, ServiceError } from '../errors.ts'
import type { Accepted } from './accepted.ts'
import { type BodyLimits, type CheckedBody, checkedBodySchema } from './body.ts'
import { assertId, decodeIds } from './decode_candidates.ts'
import { decodeColumns, decodeFeature, decodeFeatures, isObject } from './decode_features.ts'
import { countOf, type ExplainRequest, type PrerankRequest, type RequestUser } from './request.ts'
import { schemaError } from './schema_error.ts'

export type DecodeLimits = BodyLimits & { unknown_features: 'reject' | 'ignore' }
export type Decode = (body: unknown, accepted: Accepted) => PrerankRequest

/** Compiles the schema once; the function that comes back throws ServiceErrors of the 4xx kind only. */
export function createDecode(limits: DecodeLimits): Decode {
  const schema = checkedBodySchema(limits)
  const frame = Compile(schema)
  return (body, accepted) => {
    if (!frame.Check(body)) throw schemaError(schema, frame.Errors(body), body)
    return decodeBody(body, accepted, limits)
  }
}

function decodeBody(body: CheckedBody, accepted: Accepted, limits: DecodeLimits): PrerankRequest {
  const { query, user, head_weights, candidate_features, explain, ...plain } = body
  const names = { accepted, unknown: limits.unknown_features }
  const candidates = decodeIds(body.candidates, {
    field: 'candidates',
    id_kind: accepted.id_kind,
    count_max: limits.candidates_max,
  })
  return {
    ...plain,
    candidates,
    query: {
      text: query.text,
      embedding: decodeFeature(query.embedding, 'query.embedding', names) as Float32Array | undefined,
      features: decodeFeatures(query.features, 'query.features', names),
    },
    user: user && {
      ...user,
      sequence: checkSequence(user.sequence, accepted),
      features: decodeFeatures(user.features, 'user.features', names),
    },
    candidate_features: decodeColumns(candidate_features, countOf(candidates), names),
    head_weights: checkWeights(head_weights, accepted.heads),
    explain: decodeExplain(explain, accepted, limits),
  }
}

function checkWeights(weights: Record<string, number> | undefined, heads: string[]) {
  if (!weights) return undefined
  for (const name of Object.keys(weights)) {
    if (heads.includes(name)) continue
    throw new ServiceError('unknown_field', {
      field: `head_weights.${name}`,
      expected: `one of the heads ${heads.join(', ')}`,
    })
  }
  if (Object.values(weights).some((weight) => weight > 0)) return weights
  throw new ServiceError('invalid_field', {
    field: 'head_weights',
    found: 'weights that sum to 0',
    expected: 'at least one above 0',
  })
}

type CheckedSequence = NonNullable<CheckedBody['user']>['sequence']

function checkSequence(sequence: CheckedSequence, accepted: Accepted) {
  sequence?.forEach(({ item, action }, index) => {
    const field = `user.sequence[${index}]`
    assertId(item, `${field}.item`, accepted.id_kind)
    if (!accepted.actions.includes(action))
      throw invalidField(`${field}.action`, action, `one of ${accepted.actions.join(', ')}`)
  })
  return sequence as RequestUser['sequence']
}

function decodeExplain(value: unknown, accepted: Accepted, { explain_max }: DecodeLimits): ExplainRequest | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return { survivors: true }
  if (!isObject(value)) throw invalidField('explain', value, 'true, false or { "ids": […], "survivors": boolean }')
  const { ids, survivors = false, ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    throw new ServiceError('unknown_field', { field: `explain.${unknown}`, expected: 'ids or survivors' })
  if (typeof survivors !== 'boolean') throw invalidField('explain.survivors', survivors, 'true or false')
  const options = { field: 'explain.ids', id_kind: accepted.id_kind, count_max: explain_max }
  return { survivors, named: ids === undefined ? undefined : decodeIds(ids, options) }
}
