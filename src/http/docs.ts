/** The OpenAPI document, made from the route schemas, and its browser. */
import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import type { TSchema } from 'typebox'
import { bundleDocument } from './bundle_document.ts'
import type { Host } from './host.ts'

const DESCRIPTION = `Online search pre-ranking: a query, a user and up to hundreds of thousands of candidates in, the best
few thousand out, in milliseconds.

Errors are problem details (RFC 9457) with a stable \`code\` and, where a field is at fault, \`field\`, \`found\` and \`expected\`.`

const OPTIONAL_BODIES = ['/v1/admin/reload']

/** The plugin writes every body as required. */
const withOptionalBodies: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) throw new Error('found another format of document, expected OpenAPI 3')
  for (const path of OPTIONAL_BODIES) {
    const body = document.openapiObject.paths?.[path]?.post?.requestBody
    if (body && 'content' in body) body.required = false
  }
  return document.openapiObject
}

const KEYS: Record<string, string[]>[] = [{ bearer: [] }, { api_key: [] }]

export type DocsOptions = { host: Host; schemas: TSchema[]; has_keys: boolean }

/** Registered before the routes that it describes; `schemas` are those that they refer to by `$id`. */
export const docs = fp(async (app, { host, schemas, has_keys }: DocsOptions) => {
  for (const schema of schemas) app.addSchema(schema)
  await app.register(swagger, {
    transformObject: withOptionalBodies,
    refResolver: { buildLocalReference: (schema) => String(schema.$id) },
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Prerank', version: '1', description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          api_key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
      security: has_keys ? KEYS : [{}, ...KEYS],
      tags: [
        { name: 'ranking', description: 'What search backends call.' },
        { name: 'operation', description: 'What operators and their tools call.' },
        { name: 'admin', description: 'What changes the service.' },
      ],
    },
  })
  const narrowed = <D extends object>(document: D): D =>
    host.serving ? bundleDocument(document, host.serving.accepted) : document
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: narrowed,
    transformSpecificationClone: false,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => narrowed(app.swagger()))
})
