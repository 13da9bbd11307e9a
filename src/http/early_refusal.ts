/**
 * Refusals before Fastify sees the request. With three times the work that can be done, most answers are refusals, and a
 * framework's way to one (routing, hooks, reply) costs several times what the refusal does: those who were let in pay for it,
 * and the refused wait for each other. So where the door says no, the same problem is written here. Whatever else
 * there is to say about a request (no key, another address, wrong headers) is left to Fastify.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Keys } from '../access/key_file.ts'
import type { ServiceError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { mayCall } from './access.ts'
import type { Door } from './door.ts'
import { isDropped } from './drain.ts'
import { PROBLEM_TYPE, problemOf, RETRY_AFTER_S } from './problem.ts'
import { requestId } from './request_id.ts'
import { API_HEADERS } from './security_headers.ts'

/** True where the request has been answered. */
export type EarlyRefusal = (request: IncomingMessage, response: ServerResponse) => boolean

export type EarlyRefusalOptions = {
  door: Door
  keys: Keys | null
  metrics: Metrics
  body_bytes_max: number
}

const HEADERS = { ...API_HEADERS, 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_AFTER_S }

export function createEarlyRefusal({ door, keys, metrics, body_bytes_max }: EarlyRefusalOptions): EarlyRefusal {
  const answer = (request: IncomingMessage, response: ServerResponse, refusal: ServiceError) => {
    const { code, status, reason } = refusal
    const body = JSON.stringify(problemOf(refusal, requestId(request)))
    response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(body) }).end(body)
    metrics.requests.inc({ route: request.url!, status, code })
    metrics.shed.inc({ reason })
  }
  return (request, response) => {
    const { method, url = '', headers } = request
    if (method !== 'POST' || !isDropped(request, body_bytes_max)) return false
    const refusal = door.refusalOf(url, headers)
    if (!refusal || (keys && !mayCall(keys, url, headers))) return false
    answer(request, response, refusal)
    return true
  }
}
