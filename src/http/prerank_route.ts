/** POST /v1/prerank */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Config } from '../config.ts'
import { loadAddon } from '../items/addon.ts'
import type { Metrics } from '../metrics.ts'
import { type PrerankAnswer, STAGES } from '../prerank/answer.ts'
import { type BodyLimits, bodySchema } from '../prerank/body.ts'
import { prerank } from '../prerank/pipeline.ts'
import { countOf } from '../prerank/request.ts'
import { PrerankAnswerBody } from './answer.ts'
import { createWriteAnswer } from './answer_writer.ts'
import type { BodyPool } from './body_pool.ts'
import { ANSWER_EXAMPLE, REQUEST_EXAMPLES } from './examples.ts'
import { both, received } from './exchange.ts'
import { type Format, MEDIA_TYPES } from './formats.ts'
import { type Host, holdServing } from './host.ts'
import { createReadPrerank } from './prerank_body.ts'
import { problemResponses } from './problem.ts'
import type { Charge } from './rate_limit.ts'

export const PRERANK_ROUTE = '/v1/prerank'

export type PrerankRouteOptions = { host: Host; config: Config; metrics: Metrics; pool: BodyPool; charge: Charge }

export async function prerankRoute(app: FastifyInstance, options: PrerankRouteOptions) {
  const { host, config, metrics, pool, charge } = options
  const addon = config.kernel === 'reference' ? null : loadAddon().addon
  const read = createReadPrerank(addon, { limits: config, pool })
  const write = createWriteAnswer(addon)

  app.post(PRERANK_ROUTE, { schema: PRERANK_SCHEMA }, async (request, reply) => {
    const start_ms = performance.now()
    const { bytes, format, answer_format } = received(request)
    using held = holdServing(host)
    const { serving } = held
    const { body, decoded, memory } = read(bytes, format, serving.accepted)
    charge(countOf(decoded.candidates), { request, reply })
    const decode_ms = performance.now() - start_ms

    const answer = await prerank(serving, decoded, Date.now())

    if (answer.problems.length > 0) request.log.debug({ problems: answer.problems }, 'answer degraded')
    const encode_start_ms = performance.now()
    const request_id = decoded.request_id ?? request.id
    const named = (body.explain as { ids?: unknown } | undefined)?.ids
    const encoded = write(answer, { request_id, candidates: body.candidates, named, format: answer_format })
    // Only now: ids and columns of the body are views of it. After an error the kernel may still read them.
    for (const part of memory) pool.give(part)
    const encode_ms = performance.now() - encode_start_ms
    Object.assign(answer.timings_ms, { decode: decode_ms, encode: encode_ms })
    observe(metrics, answer)
    metrics.request.observe({ format }, (performance.now() - start_ms) / 1000)
    return send(reply, { encoded, format: answer_format, request_id, answer })
  })
}

type Sent = { encoded: Buffer; format: Format; request_id: string; answer: PrerankAnswer }

function send(reply: FastifyReply, { encoded, format, request_id, answer }: Sent) {
  const stages = STAGES.filter((stage) => answer.timings_ms[stage] !== undefined)
  return reply
    .header('content-type', MEDIA_TYPES[format])
    .header('x-request-id', request_id)
    .header('server-timing', stages.map((stage) => `${stage};dur=${answer.timings_ms[stage]!.toFixed(3)}`).join(', '))
    .send(encoded)
}

function observe(metrics: Metrics, answer: PrerankAnswer) {
  const { counts, timings_ms } = answer
  for (const stage of STAGES) metrics.stage.observe({ stage }, (timings_ms[stage] ?? 0) / 1000)
  metrics.candidates.observe(counts.candidates)
  metrics.outcomes.inc({ outcome: 'scored' }, counts.scored)
  metrics.outcomes.inc({ outcome: 'unknown' }, counts.unknown)
  metrics.outcomes.inc({ outcome: 'duplicate' }, counts.duplicates)
  for (const read of answer.reads) {
    const { feature, outcome } = read
    metrics.featureReads.inc({ feature, outcome })
    if (outcome === 'lost') metrics.degraded.inc({ feature, reason: read.reason })
    if (outcome === 'hit' && read.age_ms !== undefined) observeAge(metrics, feature, read.age_ms)
  }
}

function observeAge(metrics: Metrics, feature: string, age_ms: number) {
  metrics.featureAge.observe({ feature }, age_ms / 1000)
  if (feature === 'sequence') metrics.newestEvent.seen(Date.now() - age_ms)
  if (feature === 'cross_counts') metrics.batchBuild.seen(Date.now() - age_ms)
}

/** What the documentation calls PrerankRequest and PrerankAnswer. */
export const prerankSchemas = (limits: BodyLimits) => [
  { ...bodySchema(limits), $id: 'PrerankRequest', examples: REQUEST_EXAMPLES },
  { ...PrerankAnswerBody, examples: [ANSWER_EXAMPLE] },
]

const PRERANK_SCHEMA = {
  operationId: 'prerank',
  tags: ['ranking'],
  summary: 'Score candidates and keep the best',
  description:
    'Candidates are scored for this query and user; the best `top_k` come back, best first. Bodies may be JSON or CBOR ' +
    '(RFC 8949, ids and numbers as RFC 8746 typed arrays), gzip-compressed or not; the answer speaks the format of the ' +
    'request unless `Accept` asks for the other one.',
  consumes: Object.values(MEDIA_TYPES),
  body: { $ref: 'PrerankRequest#' },
  response: {
    200: {
      description: 'The best candidates. `Server-Timing` holds the time of each stage in ms.',
      content: both({ $ref: 'PrerankAnswer#' }),
    },
    ...problemResponses([400, 401, 403, 406, 408, 413, 415, 429, 431, 500, 503]),
  },
}
