/** Named features and per-candidate columns of a body: the bundle says which names exist and what they hold. */
import { invalidField, ServiceError } from '../errors.ts'
import { isTowerNumber, TOWER_NUMBER } from '../features/tower_number.ts'
import type { Accepted } from './accepted.ts'
import { decodeNumbers } from './decode_candidates.ts'
import type { FeatureValue } from './request.ts'

/** What the bundle declares, and what to do with other names. */
type Names = { accepted: Accepted; unknown: 'reject' | 'ignore' }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

function membersOf(value: unknown, field: string): [string, unknown][] {
  if (!isObject(value)) throw invalidField(field, value, 'an object')
  return Object.entries(value)
}

export function decodeFeatures(value: unknown, field: string, names: Names): Record<string, FeatureValue> | undefined {
  if (value === undefined) return undefined
  const features: Record<string, FeatureValue> = {}
  for (const [name, given] of membersOf(value, field)) {
    const decoded = decodeFeature(given, `${field}.${name}`, names)
    if (decoded !== undefined) features[name] = decoded
  }
  return features
}

export function decodeFeature(value: unknown, path: string, { accepted, unknown }: Names): FeatureValue | undefined {
  if (value === undefined) return undefined
  const length = accepted.features.get(path)
  if (length === undefined) return unknownName(path, [...accepted.features.keys()], unknown)
  if (length !== null) return decodeNumbers(value, { field: path, length, nullable: false })
  if (!isTowerNumber(value)) throw invalidField(path, value, TOWER_NUMBER)
  return value
}

/** `length` is the number of candidates. */
export function decodeColumns(value: unknown, length: number, { accepted, unknown }: Names) {
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
