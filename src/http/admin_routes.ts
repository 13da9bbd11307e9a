/**
 * What operators do to the bundle that is served. One plugin, so that whoever registers it decides where it listens and who
 * may call it. Bodies are JSON only, and small.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { invalidField, ServiceError } from '../errors.ts'
import type { Reloader } from '../reload/reloader.ts'
import { type BundlesStatus, RELOAD_OUTCOMES, TRIGGERS } from '../reload/status.ts'
import type { BodyPool } from './body_pool.ts'
import { MEDIA_TYPES, readBytes } from './formats.ts'
import { problemResponses } from './problem.ts'
import { readBody } from './read_body.ts'

const BODY_BYTES_MAX = 4096

export type AdminRoutesOptions = { reloader: Reloader; pool: BodyPool }

export async function adminRoutes(app: FastifyInstance, { reloader, pool }: AdminRoutesOptions) {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(MEDIA_TYPES.json, (request: FastifyRequest, payload: IncomingMessage) =>
    readSmallBody(request, { payload, pool }),
  )
  app.get('/v1/admin/bundles', { schema: BUNDLES_SCHEMA }, async () => reloader.status())
  app.post('/v1/admin/reload', { schema: RELOAD_SCHEMA }, ({ body }) =>
    reloader.reload({ trigger: 'admin', name: bundleName(body) }),
  )
  app.post('/v1/admin/rollback', { schema: ROLLBACK_SCHEMA }, () => reloader.rollback())
}

/** A content type without content is what many clients send. */
async function readSmallBody(
  { headers }: FastifyRequest,
  { payload, pool }: { payload: IncomingMessage; pool: BodyPool },
): Promise<unknown> {
  if (headers['content-length'] === '0') return undefined
  const bytes = await readBody(payload, { bytes_max: BODY_BYTES_MAX, pool, expected: 'JSON, or no Content-Type' })
  return readBytes(bytes, 'json')
}

function bundleName(body: unknown): string | undefined {
  if (body === undefined) return undefined
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidField('the body', body, 'an object')
  const { bundle, ...rest } = body as { bundle?: unknown }
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw new ServiceError('unknown_field', { field: unknown, expected: 'bundle, or nothing' })
  if (bundle !== undefined && typeof bundle !== 'string')
    throw invalidField('bundle', bundle, 'the name of a directory of bundles')
  return bundle
}

const closed = { additionalProperties: false }
const time = { description: 'Milliseconds since 1970.' }
const oneOf = (values: readonly string[]) => Type.Union(values.map((value) => Type.Literal(value)))
const orNull = <T extends object>(schema: T) => Type.Unsafe({ anyOf: [schema, { type: 'null' }] })

const BundleName = {
  name: Type.String(),
  version: Type.String(),
  fingerprint: Type.String(),
  directory: Type.String(),
}

export const Bundles = Type.Object(
  {
    serving: orNull(Type.Object({ ...BundleName, since_ms: Type.Integer(time) }, closed)),
    previous: orNull(Type.Object(BundleName, { ...closed, description: 'What a rollback opens again.' })),
    is_reloading: Type.Boolean(),
    last_reload: orNull(
      Type.Object(
        {
          trigger: oneOf(TRIGGERS),
          outcome: oneOf(RELOAD_OUTCOMES),
          directory: orNull(Type.String()),
          reason: orNull(Type.String({ description: 'Why it was rejected.' })),
          started_ms: Type.Integer(time),
          duration_ms: Type.Integer(),
        },
        closed,
      ),
    ),
  } satisfies Record<keyof BundlesStatus, object>,
  { ...closed, $id: 'Bundles' },
)

const ok = (description: string) => ({
  200: { description, content: { 'application/json': { schema: { $ref: 'Bundles#' } } } },
})

const BUNDLES_SCHEMA = {
  operationId: 'bundles',
  tags: ['admin'],
  summary: 'The serving bundle, the previous one, and what became of the last reload',
  response: { ...ok('Bundles and reloads.'), ...problemResponses([401, 403]) },
}

const RELOAD_SCHEMA = {
  operationId: 'reload',
  tags: ['admin'],
  summary: 'Serve what BUNDLE_DIR holds now',
  description:
    'The bundle is opened, verified and warmed beside the serving one, then takes over between two requests; the answer ' +
    'comes after that. With `bundle`, where BUNDLE_DIR is a directory of bundles, that one instead of the one that ' +
    '`current` points at.',
  consumes: [MEDIA_TYPES.json],
  body: Type.Optional(
    Type.Object(
      {
        bundle: Type.Optional(
          Type.String({ description: 'Name of a directory of bundles.', examples: ['2026-11-21'] }),
        ),
      },
      closed,
    ),
  ),
  response: { ...ok('It is served.'), ...problemResponses([400, 401, 403, 408, 409, 413, 415, 422, 500]) },
}

const ROLLBACK_SCHEMA = {
  operationId: 'rollback',
  tags: ['admin'],
  summary: 'Serve the previous bundle again',
  description: 'Opened and verified like any other; a second rollback undoes the first.',
  response: { ...ok('It is served.'), ...problemResponses([401, 403, 409, 422, 500]) },
}
