/**
 * The OpenAPI document of a running service: what the routes say, narrowed to the names and shapes of the bundle that it
 * serves. A client sees which columns, heads and actions there are, and a fuzzer can tell a good request from a wrong one.
 */
import type { Accepted } from '../prerank/accepted.ts'
import { TowerNumber } from '../prerank/body.ts'

type Schema = Record<string, unknown>
type Properties = Record<string, Schema>

type Document = { components?: { schemas?: Record<string, unknown> } }

/** A copy; `document` stays as it is. */
export function bundleDocument<D extends Document>(document: D, accepted: Accepted): D {
  const narrowed = structuredClone(document)
  const schemas = narrowed.components?.schemas ?? {}
  const { PrerankRequest, Engagements } = schemas as Properties
  narrowRequest(propertiesOf(PrerankRequest), accepted)
  const event = propertiesOf(itemsOf(propertiesOf(Engagements).events))
  event.action = actionOf(accepted)
  Object.assign(event.item, idOf(accepted))
  return narrowed
}

const propertiesOf = (schema: Schema) => schema.properties as Properties
const itemsOf = (schema: Schema) => schema.items as Schema

function narrowRequest(request: Properties, accepted: Accepted) {
  const [query, user] = [propertiesOf(request.query), propertiesOf(request.user)]
  query.features = featuresOf('query.features.', accepted)
  user.features = featuresOf('user.features.', accepted)
  const dims = accepted.features.get('query.embedding')
  if (dims === undefined) delete query.embedding
  else query.embedding = numbersOf(dims)
  const event = propertiesOf(itemsOf(user.sequence))
  event.item = idOf(accepted)
  event.action = actionOf(accepted)
  request.candidates.items = idOf(accepted)
  const named = (request.explain.anyOf as Schema[]).find(({ type }) => type === 'object')!
  propertiesOf(named).ids.items = idOf(accepted)
  request.candidate_features = columnsOf(request.candidate_features, accepted)
  request.head_weights = weightsOf(request.head_weights, accepted)
}

const closed = (properties: Properties) => ({ type: 'object', properties, additionalProperties: false })

const actionOf = ({ actions }: Accepted) => ({ type: 'string', enum: actions })

function featuresOf(prefix: string, { features }: Accepted): Schema {
  const own = [...features].filter(([path]) => path.startsWith(prefix))
  return closed(Object.fromEntries(own.map(([path, dims]) => [path.slice(prefix.length), numbersOf(dims)])))
}

const numbersOf = (dims: number | null): Schema =>
  dims === null ? { ...TowerNumber } : { type: 'array', items: TowerNumber, minItems: dims, maxItems: dims }

function columnsOf({ description, additionalProperties }: Schema, { columns }: Accepted): Schema {
  return { description, ...closed(Object.fromEntries(columns.map((name) => [name, additionalProperties as Schema]))) }
}

/** Weights of 0 alone would make every score 0. */
function weightsOf({ description, additionalProperties: weight }: Schema, { heads }: Accepted): Schema {
  const one = (name: string) => ({ required: [name], properties: { [name]: { exclusiveMinimum: 0 } } })
  const all = closed(Object.fromEntries(heads.map((name) => [name, weight as Schema])))
  return { description, ...all, anyOf: heads.map(one) }
}

const MAX_U64 = String(2n ** 64n - 1n)

function idOf({ id_kind }: Accepted): Schema {
  const text = { type: 'string', minLength: 1, maxLength: 512 }
  if (id_kind === 'string') return { anyOf: [text] }
  const integer = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
  return { anyOf: [integer, { type: 'string', pattern: `^(0|[1-9][0-9]{0,18}|${upTo(MAX_U64)})$` }] }
}

/** Pattern of the decimals with as many digits as `max` and no more than it: the same start, a smaller digit, any rest. */
function upTo(max: string): string {
  const smaller = [...max].flatMap((digit, place) => {
    const least = place === 0 ? 1 : 0
    if (Number(digit) <= least) return []
    return [`${max.slice(0, place)}[${least}-${Number(digit) - 1}][0-9]{${max.length - place - 1}}`]
  })
  return [...smaller, max].join('|')
}
