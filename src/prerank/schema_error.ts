/** The first violation of a schema as an error that names the field, what stands there and what should. */
import type { TSchema } from 'typebox'
import { describe, ServiceError } from '../errors.ts'
import { inWords, type Shape } from '../schema_words.ts'

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

function expectationAt(schema: TSchema, { schemaPath }: Violation): string {
  let at: unknown = schema
  for (const step of stepsOf(schemaPath)) at = (at as Record<string, unknown>)[step]
  return inWords(at as Shape)
}
