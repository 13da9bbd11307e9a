/** GET /metrics */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Metrics } from '../metrics.ts'
import { problemResponses } from './problem.ts'

const EXPOSITION_SCHEMA = {
  operationId: 'metrics',
  tags: ['operation'],
  summary: 'Metrics for Prometheus',
  response: {
    200: { description: 'Text exposition.', content: { 'text/plain': { schema: Type.String() } } },
    ...problemResponses([401, 403]),
  },
}

export async function metricsRoute(app: FastifyInstance, { metrics }: { metrics: Metrics }) {
  app.get('/metrics', { schema: EXPOSITION_SCHEMA, logLevel: 'warn' }, async (_, reply) => {
    const text = await metrics.registry.metrics()
    return reply.header('content-type', metrics.registry.contentType).send(text)
  })
}
