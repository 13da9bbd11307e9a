/**
 * Who may call what. Where there are keys, every request needs one, whatever its address or method: only health answers
 * without. An address that is not in the table needs the admin scope, so a new route is closed until someone opens it.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Keys } from '../access/key_file.ts'
import { type Caller, callerOf, type Scope } from '../access/keys.ts'
import { ServiceError } from '../errors.ts'

type Need = Scope | 'any key' | 'nothing'

const NEEDS: Record<string, Need> = {
  '/healthz': 'nothing',
  '/readyz': 'nothing',
  '/v1/prerank': 'prerank',
  '/v1/engagements': 'engagements',
  '/v1/models': 'any key',
  '/metrics': 'metrics',
  '/openapi.json': 'any key',
  '/v1/admin/bundles': 'admin',
  '/v1/admin/reload': 'admin',
  '/v1/admin/rollback': 'admin',
}
const DOCS = '/docs'

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the key; empty where there are no keys. */
    caller: string
  }
}

/** To be called before routes and other hooks, so that nothing works for those who may not. */
export function requireKeys(app: FastifyInstance, keys: Keys | null) {
  app.decorateRequest('caller', '')
  if (keys) app.addHook('onRequest', (request, reply, done) => done(refusalOf(keys, request, reply) ?? undefined))
}

/** Why the request may not go on, or null; then `request.caller` is set. */
export function refusalOf(keys: Keys, request: FastifyRequest, reply: FastifyReply): ServiceError | null {
  const need = needOf(request.routeOptions.url)
  if (need === 'nothing') return null
  const token = tokenOf(request.headers)
  const caller = token === null ? null : callerOf(keys.entries(), token)
  if (caller === null) return unauthenticated(reply, token !== null)
  if (need !== 'any key' && !caller.scopes.includes(need)) return forbidden(reply, caller, need)
  request.caller = caller.name
  return null
}

/** The same question where nobody wants to know why not. */
export function mayCall(keys: Keys, url: string, headers: IncomingHttpHeaders): boolean {
  const need = needOf(url)
  const token = tokenOf(headers)
  const caller = token === null ? null : callerOf(keys.entries(), token)
  return need === 'nothing' || (caller !== null && (need === 'any key' || caller.scopes.includes(need)))
}

/** An address without a route says that there is nothing, to those who have a key. */
function needOf(url: string | undefined): Need {
  if (url === undefined) return 'any key'
  if (url === DOCS || url.startsWith(`${DOCS}/`)) return 'any key'
  return Object.hasOwn(NEEDS, url) ? NEEDS[url] : 'admin'
}

/** RFC 6750 §2.1, or the header that many gateways use. */
function tokenOf(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  const key = headers['x-api-key']
  return bearer ?? (typeof key === 'string' && key !== '' ? key : null)
}

const REALM = 'Bearer realm="prerank"'

function unauthenticated(reply: FastifyReply, has_token: boolean): ServiceError {
  reply.header('www-authenticate', has_token ? `${REALM}, error="invalid_token"` : REALM)
  const expected = 'Authorization: Bearer <key>, or x-api-key: <key>'
  return new ServiceError('unauthenticated', { found: has_token ? 'a key that is not known' : 'no key', expected })
}

function forbidden(reply: FastifyReply, { name, scopes }: Caller, need: Scope): ServiceError {
  reply.header('www-authenticate', `${REALM}, error="insufficient_scope", scope="${need}"`)
  const found = `the key ${name} with the scopes ${scopes.join(', ')}`
  return new ServiceError('forbidden', { found, expected: `the scope ${need}` })
}
