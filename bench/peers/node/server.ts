/** Peer (b): the service as a Node team would write it around ONNX Runtime. One process, inference on its main thread. */
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { type Body, openPrerank } from './prerank.ts'

const BODY_BYTES_MAX = 64 * 2 ** 20
const option = { type: 'string', default: '' } as const
const { values } = parseArgs({ options: { bundle: option, graph: option, redis: option, port: option } })

const numbers = (type: 'integer' | 'number') => ({ type: 'array', items: { type } })
const response = { 200: { type: 'object', properties: { ids: numbers('integer'), scores: numbers('number') } } }

const prerank = await openPrerank({ bundle: values.bundle, graph: values.graph, redis: new Redis(values.redis) })
const app = Fastify({ bodyLimit: BODY_BYTES_MAX })
app.get('/healthz', async () => 'ok')
app.post<{ Body: Body }>('/v1/prerank', { schema: { response } }, async (request) => prerank(request.body))
await app.listen({ host: '127.0.0.1', port: Number(values.port) })
