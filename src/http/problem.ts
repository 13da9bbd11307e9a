/** Errors on the wire: problem details (RFC 9457) with a stable `code`. */
import type { ServerResponse } from 'node:http'
import type { FastifyError, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { ERRORS, type ErrorCode, ServiceError } from '../errors.ts'
import { MEDIA_TYPES } from './formats.ts'
import { LAST_ANSWER } from './host.ts'
import { requestId } from './request_id.ts'
import { API_HEADERS } from './security_headers.ts'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'
/** Of every 503. */
export const RETRY_AFTER_S = '1'

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:prerank:error:<code>' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    code: Type.Unsafe<ErrorCode>({ type: 'string', enum: Object.keys(ERRORS), description: 'Stable; match on this.' }),
    field: Type.Optional(Type.String({ description: 'Where in the request.' })),
    found: Type.Optional(Type.String()),
    expected: Type.Optional(Type.String()),
    request_id: Type.Optional(Type.String()),
  },
  { additionalProperties: false, $id: 'Problem', description: 'RFC 9457 problem details.' },
)
export type Problem = Static<typeof Problem>

/** A ServiceError, or what one would be made of. */
type Cause = Pick<ServiceError, 'code' | 'finding' | 'message'>

export function problemOf({ code, finding, message }: Cause, request_id?: string): Problem {
  const { status, title } = ERRORS[code]
  const { field, found, expected } = finding
  return { type: `urn:prerank:error:${code}`, title, status, detail: message, code, field, found, expected, request_id }
}

/** Names and values in turn: Node checks and joins them as they are. */
const HEADERS = [...Object.entries(API_HEADERS).flat(), 'content-type', PROBLEM_TYPE]
const RETRY_AFTER = ['retry-after', RETRY_AFTER_S]
const CLOSE = Object.entries(LAST_ANSWER).flat()

/** The answer to a request that the framework does not see. `is_last`: the connection ends with it. */
export function writeProblem(response: ServerResponse, cause: Cause, { is_last = false } = {}) {
  const id = requestId(response.req)
  const { status } = ERRORS[cause.code]
  const body = JSON.stringify(problemOf(cause, id))
  const headers = [...HEADERS, 'x-request-id', id, 'content-length', `${Buffer.byteLength(body)}`]
  if (status === 503) headers.push(...RETRY_AFTER)
  if (is_last) headers.push(...CLOSE)
  response.writeHead(status, headers).end(body)
}

/** Response schemas of statuses, for the documentation. */
export function problemResponses(statuses: number[]) {
  const entries = statuses.map((status) => {
    const codes = Object.entries(ERRORS).filter(([, error]) => error.status === status)
    const description = codes.map(([code, { title }]) => `\`${code}\`: ${title}.`).join(' ')
    return [status, { description, content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } }]
  })
  return Object.fromEntries(entries) as Record<number, object>
}

/** What a caller may know of any error: ours as it is, the framework's translated, anything else only as `internal`. */
export function publicError(error: Error, { headers, routeOptions }: FastifyRequest): ServiceError {
  if (error instanceof ServiceError) return error
  const { code, statusCode } = error as FastifyError
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const found = headers['content-type']?.slice(0, 80) ?? 'nothing'
    const { consumes = Object.values(MEDIA_TYPES) } = routeOptions.schema ?? {}
    const expected = consumes.join(' or ')
    return new ServiceError('unsupported_media_type', { field: 'Content-Type', found, expected })
  }
  const isCallers = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  return isCallers ? new ServiceError('malformed_request', { found: error.message }) : new ServiceError('internal')
}
