/** Every way a request can fail ends in problem details: thrown errors, unknown addresses, and what the HTTP parser refuses. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { ERRORS, type ErrorCode, type Finding, ServiceError } from '../errors.ts'
import { drain } from './drain.ts'
import { PROBLEM_TYPE, problemOf, publicError, RETRY_AFTER_S } from './problem.ts'

const METHODS: HTTPMethods[] = ['GET', 'POST']

export function answerErrors(app: FastifyInstance) {
  app.decorateReply('error_code', '')
  app.decorateReply('error_reason', '')
  app.setErrorHandler((error: Error, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => answerError(nothingHere(app, request, reply), request, reply))
}

declare module 'fastify' {
  interface FastifyReply {
    /** Code of the problem that was sent; empty for good answers. */
    error_code: string
    /** What caused it, for metrics. */
    error_reason: string
  }
}

export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply) {
  const known = publicError(error, request)
  reply.error_code = known.code
  reply.error_reason = known.reason
  // Fastify ends the connection of every body that was not read to its end.
  if (drain(request.raw, request.server.initialConfig.bodyLimit ?? 0)) reply.removeHeader('connection')
  if (known.code === 'internal') request.log.error({ err: error }, 'request failed')
  // No field: in maps its name is the caller's, who may have put a user id there.
  // Refusing is cheap as long as nobody writes it down each time: metrics count them.
  else request.log[known.code === 'overloaded' ? 'debug' : 'info']({ code: known.code }, 'request refused')
  if (known.status === 503) reply.header('retry-after', RETRY_AFTER_S)
  return reply
    .code(known.status)
    .header('x-request-id', request.id)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(known, request.id)))
}

/**
 * Before anything of the request is looked at: Fastify would refuse some methods for their headers first. To be called
 * after what decides who may know which addresses there are.
 */
export function refuseUnknown(app: FastifyInstance) {
  app.addHook('onRequest', (request, reply, done) => {
    done(request.is404 ? nothingHere(app, request, reply) : undefined)
  })
}

function nothingHere(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): ServiceError {
  const url = request.url.split('?', 1)[0]
  const methods = METHODS.filter((method) => app.hasRoute({ method, url }))
  if (methods.length === 0) return new ServiceError('not_found', { found: request.url.slice(0, 200) })
  reply.header('allow', methods.join(', '))
  return new ServiceError('method_not_allowed', { found: request.method, expected: methods.join(' or ') })
}

const PARSER_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

type Limits = { header_bytes_max: number; request_timeout_ms: number }

/** The parser gave up before there was a request, so the answer is written by hand. */
export function createParserErrorAnswer({ header_bytes_max, request_timeout_ms }: Limits) {
  const findings: Partial<Record<ErrorCode, Finding>> = {
    headers_too_large: { field: 'the headers', expected: `at most ${header_bytes_max} bytes` },
    request_timeout: { field: 'the request', expected: `all of it within ${request_timeout_ms} ms` },
  }
  return (error: Error & { code?: string; reason?: string }, socket: Socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return socket.destroy()
    const code = PARSER_ERRORS[error.code ?? ''] ?? 'malformed_request'
    const finding = findings[code] ?? { found: error.reason ?? error.message }
    const body = JSON.stringify(problemOf(new ServiceError(code, finding)))
    const { status } = ERRORS[code]
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  }
}
