/** Health and what is being served. */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { ServiceError } from '../errors.ts'
import { assertRunning, assertWhole } from '../prerank/score_input.ts'
import type { Serving } from '../prerank/serving.ts'
import { type Host, servingOf } from './host.ts'
import { problemResponses } from './problem.ts'

const closed = { additionalProperties: false }
const json = (description: string, schema: object) => ({ description, content: { 'application/json': { schema } } })

const StoreState = Type.Object(
  {
    kind: Type.String({ description: '`redis` or `embedded`' }),
    ok: Type.Boolean(),
    detail: Type.String(),
    version: Type.Union([Type.String(), Type.Null()], { description: 'Version of the batch-built features.' }),
  },
  closed,
)

const Names = Type.Array(Type.String())
const Model = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    fingerprint: Type.String(),
    description: Type.Optional(Type.String()),
    dims: Type.Integer(),
    items: Type.Object({ rows: Type.Integer(), id_kind: Type.String(), dtype: Type.String() }, closed),
    heads: Type.Record(Type.String(), Type.Number(), { description: 'Default weight of each head.' }),
    actions: Names,
    cross_features: Names,
    caller_columns: Names,
    vocabularies: Type.Record(Type.String(), Type.Integer(), { description: 'Values of each vocabulary.' }),
    kernel: Type.String(),
  },
  closed,
)

export async function healthRoutes(app: FastifyInstance, { host }: { host: Host }) {
  const health = {
    operationId: 'healthz',
    tags: ['operation'],
    summary: 'The process is alive',
    security: [],
    response: { 200: json('Alive.', Type.Object({ status: Type.Literal('ok') }, closed)) },
  }
  app.get('/healthz', { schema: health, logLevel: 'warn' }, async () => ({ status: 'ok' }))

  const ready = {
    operationId: 'readyz',
    tags: ['operation'],
    summary: 'Requests can be answered: bundle loaded, verified and warm',
    security: [],
    response: {
      200: json('Ready.', Type.Object({ status: Type.Literal('ready'), store: StoreState }, closed)),
      ...problemResponses([503]),
    },
  }
  app.get('/readyz', { schema: ready, logLevel: 'warn' }, async () => {
    if (host.not_ready !== null) throw new ServiceError('not_ready', { found: host.not_ready })
    const { bundle, store } = servingOf(host)
    assertWhole(bundle.table)
    assertRunning(bundle.tower)
    return { status: 'ready', store: store.state() }
  })
}

export async function modelsRoute(app: FastifyInstance, { host }: { host: Host }) {
  const models = {
    operationId: 'models',
    tags: ['ranking'],
    summary: 'The bundle that is served, and what it understands',
    response: {
      200: json('The serving bundle.', Type.Object({ models: Type.Array(Model) }, closed)),
      ...problemResponses([401, 503]),
    },
  }
  app.get('/v1/models', { schema: models }, async () => ({ models: [modelOf(servingOf(host))] }))
}

function modelOf({ bundle, kernel }: Serving) {
  const { manifest, table } = bundle
  return {
    name: manifest.name,
    version: manifest.version,
    fingerprint: manifest.fingerprint,
    description: manifest.description,
    dims: manifest.dims,
    items: { rows: table.info.rows, id_kind: manifest.items.id_kind, dtype: table.info.dtype },
    heads: Object.fromEntries(manifest.heads.map(({ name, default_weight }) => [name, default_weight])),
    actions: Object.keys(manifest.actions),
    cross_features: manifest.cross_features.map(({ name }) => name),
    caller_columns: manifest.caller_columns.map(({ name }) => name),
    vocabularies: Object.fromEntries(
      Object.entries(manifest.vocabularies).map(([name, values]) => [name, values.length]),
    ),
    kernel: kernel.name,
  }
}
