/**
 * The limit (c): what the wire alone costs. Fastify reads a request body as the service does and answers with a body of
 * the same size, the first K candidates and a score for each, without computing anything.
 */
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { createWriter, type Format, formatOf, MEDIA_TYPES, readBytes } from '../../../src/http/formats.ts'

const BODY_BYTES_MAX = 64 * 2 ** 20
const { values } = parseArgs({ options: { port: { type: 'string', default: '' } } })
const write = createWriter()

type Echoed = { candidates: number[] | BigUint64Array; top_k: number }

const app = Fastify({ bodyLimit: BODY_BYTES_MAX })
app.removeAllContentTypeParsers()
app.addContentTypeParser(Object.values(MEDIA_TYPES), { parseAs: 'buffer' }, (_, body, done) => done(null, body))
app.get('/healthz', async () => 'ok')
app.post<{ Body: Buffer }>('/v1/prerank', async (request, reply) => {
  const format = formatOf(request.headers['content-type'] ?? MEDIA_TYPES.json)
  return reply.header('content-type', MEDIA_TYPES[format]).send(write(echo(request.body, format), format))
})
await app.listen({ host: '127.0.0.1', port: Number(values.port) })

function echo(body: Buffer, format: Format): Record<string, unknown> {
  const { candidates, top_k } = readBytes(body, format) as Echoed
  const ids = candidates.slice(0, top_k)
  const scores = Float32Array.from({ length: ids.length }, (_, index) => 1 / (index + 1.5))
  return {
    request_id: '8c2f6c1e-6a3c-4f0e-9b0a-2f9d3c1c7a55',
    model: { name: 'echo', version: '1' },
    ids,
    scores: format === 'json' ? Array.from(scores) : scores,
    counts: { candidates: candidates.length, scored: candidates.length, unknown: 0, duplicates: 0 },
    degraded: [],
  }
}
