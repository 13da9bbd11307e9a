/** What every answer tells browsers and caches. There are no CORS headers: no page of another origin may read an answer. */
import type { FastifyInstance } from 'fastify'

const API_POLICY = "default-src 'none'; frame-ancestors 'none'"
/** The browser of the documentation runs its own files only; its widgets set styles inline and draw from data: images. */
const DOCS_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Scores and sequences are about people: no cache keeps an answer. */
const HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' }
export const API_HEADERS = { ...HEADERS, 'content-security-policy': API_POLICY }
const DOCS_HEADERS = { ...HEADERS, 'content-security-policy': DOCS_POLICY }

export function secureAnswers(app: FastifyInstance) {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.routeOptions.url?.startsWith('/docs') ? DOCS_HEADERS : API_HEADERS)
    done()
  })
}
