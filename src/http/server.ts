/** The Node server under Fastify. Node takes a smaller limit than its own for headers only when it is given at creation. */
import http from 'node:http'
import https from 'node:https'
import type { FastifyServerFactory } from 'fastify'
import type { Config } from '../config.ts'
import { ServiceError } from '../errors.ts'
import type { EarlyRefusal } from './early_refusal.ts'
import { writeProblem } from './problem.ts'
import { type TlsFiles, tlsOptions } from './tls.ts'

/** How often Node looks for requests that have run out of time. */
const TIMEOUT_CHECK_MS = 500
const IS_LAST = { is_last: true }

export type ServerOptions = { config: Config; tls: TlsFiles | null; refuse: EarlyRefusal | null }

/** For Fastify. */
export function serverOptions({ config, tls, refuse }: ServerOptions) {
  const limits = {
    maxHeaderSize: config.header_bytes_max,
    requestTimeout: config.request_timeout_ms,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  }
  const serverFactory: FastifyServerFactory = (handle, { keepAliveTimeout }) => {
    const options = { ...limits, keepAliveTimeout: keepAliveTimeout as number, requireHostHeader: false }
    const listener: http.RequestListener = (request, response) => {
      if (hasHost(request, response) && !refuse?.(request, response)) handle(request, response)
    }
    const server = tls
      ? https.createServer({ ...options, ...tlsOptions(tls) }, listener)
      : http.createServer(options, listener)
    return answerExpectations(server, { handle, refuse })
  }
  // It tells Fastify no more than the scheme of its address.
  return tls ? { serverFactory, https: {} } : { serverFactory, http: {} }
}

/** RFC 9112 §3.2. Node would refuse without a word. */
function hasHost(request: http.IncomingMessage, response: http.ServerResponse): boolean {
  if (request.headers.host !== undefined || request.httpVersion !== '1.1') return true
  const finding = { field: 'Host', found: 'nothing', expected: 'the name that this service was called by' }
  writeProblem(response, new ServiceError('malformed_request', finding), IS_LAST)
  return false
}

type Expectations = { handle: http.RequestListener; refuse: EarlyRefusal | null }

/** RFC 9110 §10.1.1: a body that waits for our consent is not asked for only to be dropped. */
function answerExpectations<S extends http.Server>(server: S, { handle, refuse }: Expectations): S {
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (!hasHost(request, response) || refuse?.(request, response, IS_LAST)) return
    response.writeContinue()
    handle(request, response)
  })
  server.on('checkExpectation', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const finding = { field: 'Expect', found: request.headers.expect?.slice(0, 80), expected: '100-continue' }
    writeProblem(response, new ServiceError('expectation_failed', finding), IS_LAST)
  })
  return server
}
