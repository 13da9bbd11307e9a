/**
 * A body becomes a request. The schema checks the frame, tight passes check the per-candidate data, and the bundle says
 * which names exist. Whether the body came as JSON or CBOR makes no difference here: typed arrays stand for arrays.
 */
import { Compile } from 'typebox/compile'
import { invalidField, ServiceError } from '../errors.ts'
import type { Accepted } from './accepted.ts'
import { type BodyLimits, type CheckedBody, checkedBodySchema } from './body.ts'
import { decodeIds, decodeNumbers, EXPECTED_ID, parseKey } from './decode_candidates.ts'
import { countOf, type ExplainRequest, type FeatureValue, type PrerankRequest, type RequestUser } from './request.ts'
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

type Names = { accepted: Accepted; unknown: 'reject' | 'ignore' }

/** The members of an object field, or none where it is absent. */
function membersOf(value: unknown, field: string): [string, unknown][] {
  if (value === undefined) return []
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
  if (!isObject) throw invalidField(field, value, 'an object')
  return Object.entries(value)
}

function decodeFeatures(value: unknown, field: string, names: Names): Record<string, FeatureValue> | undefined {
  if (value === undefined) return undefined
  const features: Record<string, FeatureValue> = {}
  for (const [name, given] of membersOf(value, field)) {
    const decoded = decodeFeature(given, `${field}.${name}`, names)
    if (decoded !== undefined) features[name] = decoded
  }
  return features
}

function decodeFeature(value: unknown, path: string, { accepted, unknown }: Names): FeatureValue | undefined {
  if (value === undefined) return undefined
  const length = accepted.features.get(path)
  if (length === undefined) return unknownName(path, [...accepted.features.keys()], unknown)
  if (length !== null) return decodeNumbers(value, { field: path, length, nullable: false })
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidField(path, value, 'a finite number')
  return value
}

function decodeColumns(value: unknown, length: number, { accepted, unknown }: Names) {
  if (value === undefined) return undefined
  const columns: Record<string, Float32Array> = {}
  for (const [name, given] of membersOf(value, 'candidate_features')) {
    const field = `candidate_features.${name}`
    if (accepted.columns.includes(name)) columns[name] = decodeNumbers(given, { field, length, nullable: true })
    else unknownName(field, accepted.columns, unknown)
  }
  return columns
}

function unknownName(field: string, declared: string[], unknown: 'reject' | 'ignore'): undefined {
  if (unknown === 'ignore') return undefined
  const expected = declared.length
    ? `a name that the bundle declares: ${declared.slice(0, 32).join(', ')}`
    : 'none: the bundle declares none'
  throw new ServiceError('unknown_field', { field, expected })
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
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0)
  if (!(sum > 0))
    throw new ServiceError('invalid_field', {
      field: 'head_weights',
      found: `weights that sum to ${sum}`,
      expected: 'at least one above 0',
    })
  return weights
}

function checkSequence(sequence: RequestUser['sequence'], accepted: Accepted) {
  sequence?.forEach(({ item, action }, index) => {
    const field = `user.sequence[${index}]`
    if (accepted.id_kind === 'u64') parseKey(item, `${field}.item`)
    else if (typeof item !== 'string') throw invalidField(`${field}.item`, item, EXPECTED_ID.string)
    if (!accepted.actions.includes(action))
      throw invalidField(`${field}.action`, action, `one of ${accepted.actions.join(', ')}`)
  })
  return sequence
}

function decodeExplain(value: unknown, accepted: Accepted, { explain_max }: DecodeLimits): ExplainRequest | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return { survivors: true }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalidField('explain', value, 'true, false or { "ids": […], "survivors": boolean }')
  }
  const { ids, survivors = false, ...rest } = value as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    throw new ServiceError('unknown_field', { field: `explain.${unknown}`, expected: 'ids or survivors' })
  if (typeof survivors !== 'boolean') throw invalidField('explain.survivors', survivors, 'true or false')
  const options = { field: 'explain.ids', id_kind: accepted.id_kind, count_max: explain_max }
  return { survivors, named: ids === undefined ? undefined : decodeIds(ids, options) }
}
