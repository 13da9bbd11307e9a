/**
 * Every violation of a schema, in the schema's own terms. TypeBox's own list stops after a few and reports each branch of a
 * union; a tower input with a typing error would hide behind eight alternatives. A union of objects is told apart by `kind`.
 */
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Check } from 'typebox/value'
import { describe } from '../errors.ts'
import { inWords, type Shape } from '../schema_words.ts'
import type { Problem } from './problems.ts'

type Fields = Record<string, unknown>

/** Compiles the schema once: the search that names violations takes ten times as long as learning that there are none. */
export function createSchemaProblems(schema: TSchema): (value: unknown) => Problem[] {
  const compiled = Compile(schema)
  return (value) => (compiled.Check(value) ? [] : violations(schema as Shape, value, ''))
}

function violations(shape: Shape, value: unknown, path: string): Problem[] {
  if (shape.anyOf) return unionProblems(shape.anyOf, value, path)
  if (shape.properties && isFields(value)) return objectProblems(shape, value, path)
  if (shape.patternProperties && isFields(value)) return recordProblems(shape.patternProperties, value, path)
  if (shape.items && Array.isArray(value)) {
    const { items } = shape
    return [
      ...lengthProblems(shape, value, path),
      ...value.flatMap((item, i) => violations(items, item, `${path}[${i}]`)),
    ]
  }
  return Check(shape as TSchema, value) ? [] : [{ path, found: describe(value), expected: inWords(shape) }]
}

function unionProblems(variants: Shape[], value: unknown, path: string): Problem[] {
  if (variants.some((variant) => Check(variant as TSchema, value))) return []
  const kinds = variants.map((variant) => variant.properties?.kind?.const)
  const same_kind = isFields(value) ? variants[kinds.indexOf(value.kind)] : undefined
  if (same_kind && kinds.every((kind) => kind !== undefined)) return violations(same_kind, value, path)
  if (isFields(value) && kinds[0] !== undefined) {
    return [{ path: `${path}.kind`, found: describe(value.kind), expected: `one of ${kinds.join(', ')}` }]
  }
  return [{ path, found: describe(value), expected: inWords({ anyOf: variants }) }]
}

function objectProblems({ properties = {}, required = [] }: Shape, value: Fields, path: string): Problem[] {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const missing = required.filter((name) => !Object.hasOwn(value, name))
  return [
    ...missing.map((name) => ({ path: at(name), found: 'nothing', expected: inWords(properties[name]) })),
    ...Object.entries(value).flatMap(([name, field]) =>
      Object.hasOwn(properties, name)
        ? violations(properties[name], field, at(name))
        : [
            {
              path: at(name),
              found: describe(field),
              expected: `only the fields ${Object.keys(properties).join(', ')}`,
            },
          ],
    ),
  ]
}

function recordProblems(patterns: Record<string, Shape>, value: Fields, path: string): Problem[] {
  const [[pattern, shape]] = Object.entries(patterns)
  return Object.entries(value).flatMap(([name, field]) =>
    new RegExp(pattern).test(name)
      ? violations(shape, field, `${path}.${name}`)
      : [{ path, found: `the name ${JSON.stringify(name)}`, expected: `names like ${pattern}` }],
  )
}

function lengthProblems(shape: Shape, value: unknown[], path: string): Problem[] {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = shape
  if (value.length >= minItems && value.length <= maxItems) return []
  return [{ path, found: describe(value), expected: inWords(shape) }]
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
