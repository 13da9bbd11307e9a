/** The first violation of a schema as an error that names the field, what stands there and what should. */
import type { TSchema } from 'typebox'
import { describe, ServiceError } from '../errors.ts'

type Violation = { keyword: string; schemaPath: string; instancePath: string; params: object }

export function schemaError(schema: TSchema, violations: Violation[], value: unknown): ServiceError {
  const violation = violations.find(({ keyword }) => keyword === 'anyOf') ?? violations[0]
  const { keyword, instancePath } = violation
  const path = stepsOf(instancePath)
  const params = violation.params as { requiredProperties?: string[] }
  if (keyword === 'boolean')
    return new ServiceError('unknown_field', { field: fieldOf(path), expected: 'a field of the schema' })
  if (keyword === 'required')
    return new ServiceError('missing_field', { field: fieldOf([...path, params.requiredProperties![0]]) })
  const found = describe(path.reduce((inner, step) => (inner as Record<string, unknown>)[step], value))
  return new ServiceError('invalid_field', { field: fieldOf(path), found, expected: expectationAt(schema, violation) })
}

const stepsOf = (pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

function fieldOf(path: string[]): string {
  const field = path.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
  return field.replace(/^\./, '') || 'the body'
}

type Shape = {
  type?: string
  anyOf?: Shape[]
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
}

function expectationAt(schema: TSchema, { schemaPath }: Violation): string {
  let at: unknown = schema
  for (const step of stepsOf(schemaPath)) at = (at as Record<string, unknown>)[step]
  return inWords(at as Shape)
}

function inWords(shape: Shape): string {
  if (shape.anyOf) return shape.anyOf.map(inWords).join(', or ')
  if (shape.type === 'integer' || shape.type === 'number') return `${nounOf(shape.type)}${rangeOf(shape)}`
  if (shape.pattern) return `a text that matches ${shape.pattern}`
  if (shape.type === 'string') return `a text of ${shape.minLength ?? 0} to ${shape.maxLength} characters`
  if (shape.type === 'array') return `an array of ${shape.minItems ?? 0} to ${shape.maxItems} elements`
  return nounOf(shape.type ?? 'value')
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Shape): string {
  const low =
    minimum !== undefined ? ` from ${minimum}` : exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : ''
  return `${low}${maximum === undefined ? '' : ` up to ${maximum}`}`
}

const nounOf = (type: string) => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`)
