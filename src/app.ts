/** The HTTP application: what surrounds every route. It constructs nothing that outlives it except the Fastify instance. */
import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import type { Keys } from './access/key_file.ts'
import type { Config } from './config.ts'
import { refusalOf, requireKeys } from './http/access.ts'
import { adminRoutes, Bundles } from './http/admin_routes.ts'
import { createBodyPool } from './http/body_pool.ts'
import { docs } from './http/docs.ts'
import { createDoor } from './http/door.ts'
import { createEarlyRefusal } from './http/early_refusal.ts'
import { ENGAGEMENTS_ROUTE, engagementsRoute, engagementsSchemas } from './http/engagements_route.ts'
import { answerError, answerErrors, createParserErrorAnswer, refuseUnknown } from './http/error_handlers.ts'
import { MEDIA_TYPES } from './http/formats.ts'
import { type Host, LAST_ANSWER } from './http/host.ts'
import { metricsRoute } from './http/metrics_route.ts'
import { PRERANK_ROUTE, prerankRoute, prerankSchemas } from './http/prerank_route.ts'
import { Problem } from './http/problem.ts'
import { createCharge } from './http/rate_limit.ts'
import { readBody } from './http/read_body.ts'
import { requestId } from './http/request_id.ts'
import { secureAnswers } from './http/security_headers.ts'
import { serverOptions } from './http/server.ts'
import { healthRoutes, modelsRoute } from './http/system_routes.ts'
import { renewTls, type TlsFiles } from './http/tls.ts'
import type { Metrics } from './metrics.ts'
import type { Reloader } from './reload/reloader.ts'

/** Memory of bodies kept between requests. */
const BODY_POOL_BYTES_MAX = 64 * 2 ** 20

/** `public` has what search backends call, `admin` what operators call, where the latter have a port of their own. */
export type Side = 'both' | 'public' | 'admin'

export type AppOptions = {
  config: Config
  host: Host
  reloader: Reloader
  metrics: Metrics
  logger: FastifyBaseLogger
  /** Without them anyone may call everything. */
  keys?: Keys | null
  tls?: TlsFiles | null
  side?: Side
}

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, host, reloader, metrics, logger, keys = null, tls = null, side = 'both' } = options
  const door = side === 'admin' ? null : createDoor({ limits: config, host, metrics })
  const { body_bytes_max } = config
  const refuse = door && createEarlyRefusal({ host, door, keys, metrics, body_bytes_max })
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: body_bytes_max,
    ...serverOptions({ config, tls, refuse }),
    genReqId: requestId,
    requestIdHeader: false,
    clientErrorHandler: createParserErrorAnswer(config),
    // Hooks do not run for an address that cannot be read.
    frameworkErrors: (error, request, reply) =>
      answerError((keys && refusalOf(keys, request, reply)) ?? error, request, reply),
    exposeHeadRoutes: false,
    return503OnClosing: false,
  })
  // Bodies are checked where they are decoded, and answers are written there: the schemas of routes are documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  const pool = createBodyPool({ bytes_max: BODY_POOL_BYTES_MAX })
  app.removeAllContentTypeParsers()
  app.decorateRequest('visit', null)
  app.addContentTypeParser(Object.values(MEDIA_TYPES), ({ visit }: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, {
      bytes_max: body_bytes_max,
      pool,
      expected: 'JSON or CBOR',
      hold: (bytes) => visit?.ticket.holdBytes(bytes),
      signal: visit?.budget.signal,
    }),
  )
  answerErrors(app)
  observeRequests(app, metrics)
  secureAnswers(app)
  endConnections(app, host)
  requireKeys(app, keys)
  if (tls) renewTls(app, tls, logger)
  refuseUnknown(app)
  if (door) {
    const charge = createCharge({ rate_per_s: config.rate_limit_candidates_per_s, burst: config.rate_limit_burst })
    const has_keys = keys !== null
    await app.register(docs, {
      host,
      has_keys,
      schemas: [Problem, ...prerankSchemas(config), ...engagementsSchemas(config), Bundles],
    })
    await app.register(prerankRoute, { host, config, metrics, pool, door, charge })
    await app.register(engagementsRoute, { host, config, metrics, pool, door })
    await app.register(modelsRoute, { host })
  }
  await app.register(healthRoutes, { host })
  if (side !== 'public') {
    await app.register(metricsRoute, { metrics })
    await app.register(adminRoutes, { reloader, pool })
  }
  return app
}

/** Status of requests whose client went away before the answer, as web servers log it. */
const CLIENT_GONE = { status: 499, code: 'client_gone' }

/** The response's `close` comes once for every request, also for those that are never answered; `onResponse` does not. */
function observeRequests(app: FastifyInstance, metrics: Metrics) {
  app.addHook('onRequest', async (request, reply) => {
    metrics.inFlight.inc()
    reply.raw.once('close', () => {
      metrics.inFlight.dec()
      const route = request.routeOptions.url ?? 'none'
      const answered = { status: reply.statusCode, code: reply.error_code }
      const outcome = reply.raw.writableFinished ? answered : CLIENT_GONE
      metrics.requests.inc({ route, ...outcome })
      if (isShed(route, outcome)) metrics.shed.inc({ reason: reply.error_reason || outcome.code })
      request.log.debug({ route, ...outcome, duration_ms: reply.elapsedTime }, 'request ended')
    })
  })
}

type Outcome = { status: number; code: string }

/** Work that was not begun. A store that takes no writes is no want of room. */
const isShed = (route: string, { status, code }: Outcome) =>
  (route === PRERANK_ROUTE || route === ENGAGEMENTS_ROUTE) && status === 503 && code !== 'store_unavailable'

/** While the process stops, its address is open for a while, and callers hold connections to it. */
function endConnections(app: FastifyInstance, host: Host) {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (host.is_stopping) reply.headers(LAST_ANSWER)
    done(null, payload)
  })
}
