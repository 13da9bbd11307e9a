/**
 * Refusals before Fastify sees the request. With three times the work that can be done, most answers are refusals, and a
 * framework's way to one (routing, hooks, reply) costs several times what the refusal does: those who were let in pay for it,
 * and the refused wait for each other. So where the door says no, the same problem is written here. Whatever else
 * there is to say about a request (no key, another address, wrong headers) is left to Fastify.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Keys } from '../access/key_file.ts'
import { ERRORS, sentence } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { mayCall } from './access.ts'
import type { Door } from './door.ts'
import { isDropped } from './drain.ts'
import type { Host } from './host.ts'
import { writeProblem } from './problem.ts'

/** True where the request has been answered. `is_last`: a refusal ends the connection. */
export type EarlyRefusal = (
  request: IncomingMessage,
  response: ServerResponse,
  options?: { is_last: boolean },
) => boolean

export type EarlyRefusalOptions = {
  host: Host
  door: Door
  keys: Keys | null
  metrics: Metrics
  body_bytes_max: number
}

export function createEarlyRefusal(options: EarlyRefusalOptions): EarlyRefusal {
  const { host, door, keys, metrics, body_bytes_max } = options
  const code = 'overloaded'
  const { status } = ERRORS[code]
  return (request, response, { is_last } = { is_last: false }) => {
    const { method, url = '' } = request
    if (method !== 'POST' || !isDropped(request, body_bytes_max)) return false
    const refusal = door.refusalOf(url, request.headers)
    if (!refusal || (keys && !mayCall(keys, url, request.headers))) return false
    const { reason, finding } = refusal
    const cause = { code, finding, message: sentence(code, finding) } as const
    writeProblem(response, cause, { is_last: is_last || host.is_stopping })
    metrics.requests.inc({ route: url, status, code })
    metrics.shed.inc({ reason })
    return true
  }
}
