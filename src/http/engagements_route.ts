/** POST /v1/engagements */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { DAY_MS } from '../day.ts'
import { type EventLimits, engagementsSchema } from '../engagements/body.ts'
import { createDecodeEngagements } from '../engagements/decode.ts'
import { type EngagementLimits, type EngagementsAnswer, engage } from '../engagements/engage.ts'
import { type Engagement, OUTCOMES, type Outcome } from '../engagements/engagement.ts'
import { ServiceError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { StoreErrorKind } from '../store/store.ts'
import type { BodyPool } from './body_pool.ts'
import type { Door } from './door.ts'
import { ENGAGEMENTS_ANSWER_EXAMPLE, ENGAGEMENTS_EXAMPLES } from './examples.ts'
import { both, received } from './exchange.ts'
import { createWriter, MEDIA_TYPES, readBytes } from './formats.ts'
import { type Host, servingOf } from './host.ts'
import { problemResponses } from './problem.ts'

export const ENGAGEMENTS_ROUTE = '/v1/engagements'

export type EngagementsRouteOptions = { host: Host; config: Config; metrics: Metrics; pool: BodyPool; door: Door }

export async function engagementsRoute(app: FastifyInstance, options: EngagementsRouteOptions) {
  const { host, config, metrics, pool, door } = options
  const decode = createDecodeEngagements(config)
  const write = createWriter()
  const limits = engagementLimits(config)

  const route = { schema: ENGAGEMENTS_SCHEMA, onRequest: door.guard(ENGAGEMENTS_ROUTE, { is_patient: true }) }
  app.post(ENGAGEMENTS_ROUTE, route, async (request, reply) => {
    const { bytes, format, answer_format } = received(request)
    const serving = servingOf(host)
    using _hold = serving.holds.take()
    const { request_id = request.id, events } = decode(readBytes(bytes, format), serving.bundle.manifest)
    request.id = request_id
    pool.give(bytes)
    const now_ms = Date.now()

    const answer = await engage(serving, events, { limits, now_ms })

    if (answer.problems.length > 0) request.log.warn({ problems: answer.problems }, 'engagements not taken')
    observe(metrics, { answer, events, now_ms })
    assertTaken(answer)
    return reply
      .header('content-type', MEDIA_TYPES[answer_format])
      .header('x-request-id', request_id)
      .send(write(answerBody(answer, request_id), answer_format))
  })
}

function engagementLimits(config: Config): EngagementLimits {
  const { engagement_age_max_ms, engagement_ahead_max_ms } = config
  return {
    age_ms_max: engagement_age_max_ms,
    ahead_ms_max: engagement_ahead_max_ms,
    deadline_ms: config.engagement_deadline_ms,
    ids_max: config.engagement_ids_max,
    // From then on the event is late: its id need not be known.
    ids_ttl_ms: engagement_age_max_ms + engagement_ahead_max_ms,
    sequence_ttl_ms: config.sequence_days * DAY_MS,
    live_days: config.live_counts_days,
    live_items_max: config.live_counts_items_max,
  }
}

/** Where the store took nothing at all, the request failed as a whole. */
function assertTaken({ outcomes, failure }: EngagementsAnswer) {
  if (failure === null || outcomes.some((outcome) => outcome !== 'failed')) return
  throw new ServiceError('store_unavailable', { found: FOUND[failure], expected: 'the same events again, later' })
}

const FOUND: Record<StoreErrorKind, string> = {
  late: 'a store that does not answer in time',
  down: 'no connection to the store',
  nonsense: 'keys of another type in the store',
  full: 'a store that is full',
  not_loaded: 'a store that nothing is loaded into',
}

function answerBody({ outcomes }: EngagementsAnswer, request_id: string) {
  return { request_id, outcomes, counts: countsOf(outcomes) }
}

function countsOf(outcomes: readonly Outcome[]): Record<Outcome, number> {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>
  for (const outcome of outcomes) counts[outcome]++
  return counts
}

type Observed = { answer: EngagementsAnswer; events: readonly Engagement[]; now_ms: number }

function observe(metrics: Metrics, { answer, events, now_ms }: Observed) {
  const { outcomes, newest_ms } = answer
  for (const [index, outcome] of outcomes.entries()) {
    metrics.engagements.inc({ outcome })
    metrics.engagementDelay.observe({}, Math.max(0, now_ms - events[index].time_ms) / 1000)
  }
  if (newest_ms !== null) metrics.newestEvent.seen(newest_ms)
}

const closed = { additionalProperties: false }

const EngagementsAnswerBody = Type.Object(
  {
    request_id: Type.String(),
    outcomes: Type.Array(Type.Union(OUTCOMES.map((outcome) => Type.Literal(outcome))), {
      description: `One per event, in the order of the request. \`applied\`: the next request of the user sees it.
\`out_of_order\`: applied; it is older than the newest of the user's sequence and stands where its time puts it.
\`duplicate\`: it was applied before, nothing changed. \`late\`, \`future\`: its time is further from the clock than the
limits allow, nothing changed. \`ignored\`: nothing in the bundle reads it. \`failed\`: the store did not take all of it;
send it again, nothing is applied twice.`,
    }),
    counts: Type.Object(Object.fromEntries(OUTCOMES.map((outcome) => [outcome, Type.Integer({ minimum: 0 })])), {
      ...closed,
      description: 'Events by outcome.',
    }),
  },
  { ...closed, $id: 'EngagementsAnswer' },
)

/** What the documentation calls Engagements and EngagementsAnswer. */
export const engagementsSchemas = (limits: EventLimits) => [
  { ...engagementsSchema(limits), $id: 'Engagements', examples: ENGAGEMENTS_EXAMPLES },
  { ...EngagementsAnswerBody, examples: [ENGAGEMENTS_ANSWER_EXAMPLE] },
]

const ENGAGEMENTS_SCHEMA = {
  operationId: 'engagements',
  tags: ['ranking'],
  summary: 'Tell what users engaged with',
  description:
    'Events join the sequence of their user and the live counts of their query, each exactly once however often it is ' +
    'sent; the next request sees them. One wrong event refuses the batch, and nothing is written. Bodies may be JSON or ' +
    'CBOR, gzip-compressed or not. Keep the events in the log that counts are built from, too: live counts only bridge ' +
    'the time until the next build.',
  consumes: Object.values(MEDIA_TYPES),
  body: { $ref: 'Engagements#' },
  response: {
    200: { description: 'What became of each event.', content: both({ $ref: 'EngagementsAnswer#' }) },
    ...problemResponses([400, 401, 403, 406, 408, 413, 415, 431, 500, 503]),
  },
}
