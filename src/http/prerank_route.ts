/** POST /v1/prerank */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { loadAddon } from '../items/addon.ts'
import type { Metrics } from '../metrics.ts'
import { type PrerankAnswer, STAGES } from '../prerank/answer.ts'
import { type BodyLimits, bodySchema } from '../prerank/body.ts'
import type { Budget } from '../prerank/budget.ts'
import { prerank } from '../prerank/pipeline.ts'
import { countOf, type PrerankRequest } from '../prerank/request.ts'
import { PrerankAnswerBody } from './answer.ts'
import { createWriteAnswer } from './answer_writer.ts'
import type { BodyPool } from './body_pool.ts'
import { DeadlineHeader, headerDeadline } from './deadline_header.ts'
import type { Door } from './door.ts'
import { ANSWER_EXAMPLE, REQUEST_EXAMPLES } from './examples.ts'
import { both, received } from './exchange.ts'
import { type Format, MEDIA_TYPES } from './formats.ts'
import { type Host, servingOf } from './host.ts'
import { createReadPrerank } from './prerank_body.ts'
import { problemResponses } from './problem.ts'
import type { Charge } from './rate_limit.ts'
import { createYoungCollector } from './young_garbage.ts'

export const PRERANK_ROUTE = '/v1/prerank'

export type PrerankRouteOptions = {
  host: Host
  config: Config
  metrics: Metrics
  pool: BodyPool
  door: Door
  charge: Charge
}

export async function prerankRoute(app: FastifyInstance, options: PrerankRouteOptions) {
  const answer = createAnswer(options)
  app.post(
    PRERANK_ROUTE,
    { schema: PRERANK_SCHEMA, onRequest: options.door.guard(PRERANK_ROUTE) },
    async (request, reply) => {
      return send(reply, await options.door.during(request.visit!, answer(request, reply)))
    },
  )
}

/** What a request is answered with. Nothing is sent here: the deadline may have passed before this ends. */
function createAnswer({ host, config, metrics, pool, door, charge }: PrerankRouteOptions) {
  const addon = config.prerank_kernel === 'reference' ? null : loadAddon().addon
  const read = createReadPrerank(addon, { limits: config, pool })
  const write = createWriteAnswer(addon)
  const collectYoung = createYoungCollector()

  return async (request: FastifyRequest, reply: FastifyReply): Promise<Sent> => {
    const visit = request.visit!
    const { budget, ticket, arrived_ms } = visit
    const { bytes, format, answer_format } = received(request)
    const serving = servingOf(host)
    using _hold = serving.holds.take()
    const size = { format, bytes: bytes.length }
    const received_ms = performance.now()
    const { decode_ms: cost_ms } = door.admit(visit, size)

    const { body, decoded, memory, decode_ms } = await door.turns.run(
      () => {
        budget.enter('decode')
        const start_ms = performance.now()
        metrics.turnWait.observe({}, (start_ms - received_ms) / 1000)
        return { ...read(bytes, format, serving.accepted), decode_ms: performance.now() - start_ms }
      },
      { arrived_ms, cost_ms },
    )
    request.id = decoded.request_id ?? request.id
    const candidates = countOf(decoded.candidates)
    door.decoded(size, { decode_ms, candidates })
    charge(candidates, { request, reply })
    ticket.holdCandidates(candidates)
    allowDeadline(budget, request, decoded)

    const answer = await prerank(serving, decoded, { now_ms: Date.now(), budget })

    if (answer.problems.length > 0) request.log.debug({ problems: answer.problems }, 'answer degraded')
    const request_id = request.id
    const named = (body.explain as { ids?: unknown } | undefined)?.ids
    const { encoded, encode_ms } = await door.turns.run(
      () => {
        budget.enter('encode')
        const start_ms = performance.now()
        const encoded = write(answer, { request_id, candidates: body.candidates, named, format: answer_format })
        return { encoded, encode_ms: performance.now() - start_ms }
      },
      { arrived_ms, cost_ms: 0, last: true },
    )
    // Only now: ids and columns of the body are views of it. After an error the kernel may still read them.
    for (const part of memory) pool.give(part)
    collectYoung(bytes.length)
    Object.assign(answer.timings_ms, { decode: decode_ms, encode: encode_ms })
    serving.forecast.seen('encode', candidates, encode_ms)
    budget.enter('encode')
    observe(metrics, answer)
    metrics.request.observe({ format }, (performance.now() - arrived_ms) / 1000)
    return { encoded, format: answer_format, request_id, answer }
  }
}

/** The smaller one of header and field; until the body was read, the header's or the default holds. */
function allowDeadline(budget: Budget, { headers }: FastifyRequest, { deadline_ms }: PrerankRequest) {
  if (deadline_ms !== undefined) budget.allow(Math.min(deadline_ms, headerDeadline(headers) ?? deadline_ms))
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
  metrics.candidates.observe({}, counts.candidates)
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
  headers: DeadlineHeader,
  consumes: Object.values(MEDIA_TYPES),
  body: { $ref: 'PrerankRequest#' },
  response: {
    200: {
      description: 'The best candidates. `Server-Timing` holds the time of each stage in ms.',
      content: both({ $ref: 'PrerankAnswer#' }),
    },
    ...problemResponses([400, 401, 403, 406, 408, 413, 415, 429, 431, 500, 503, 504]),
  },
}
