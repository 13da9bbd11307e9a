/** The OpenAPI document, made from the route schemas, and its browser. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import type { TSchema } from 'typebox'

const DESCRIPTION = `Online search pre-ranking: a query, a user and up to hundreds of thousands of candidates in, the best
few thousand out, in milliseconds.

Errors are problem details (RFC 9457) with a stable \`code\` and, where a field is at fault, \`field\`, \`found\` and \`expected\`.`

/** Registered before the routes that it describes; `schemas` are those that they refer to by `$id`. */
export const docs = fp(async (app, { schemas }: { schemas: TSchema[] }) => {
  for (const schema of schemas) app.addSchema(schema)
  await app.register(swagger, {
    refResolver: { buildLocalReference: (schema) => String(schema.$id) },
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Prerank', version: '1', description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      tags: [
        { name: 'ranking', description: 'What search backends call.' },
        { name: 'operation', description: 'What operators and their tools call.' },
        { name: 'admin', description: 'What changes the service.' },
      ],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
})
