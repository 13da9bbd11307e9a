/** The Node server under Fastify. Node takes a smaller limit than its own for headers only when it is given at creation. */
import http from 'node:http'
import https from 'node:https'
import type { FastifyServerFactory } from 'fastify'
import type { Config } from '../config.ts'
import type { EarlyRefusal } from './early_refusal.ts'
import { type TlsFiles, tlsOptions } from './tls.ts'

/** How often Node looks for requests that have run out of time. */
const TIMEOUT_CHECK_MS = 500

export type ServerOptions = { config: Config; tls: TlsFiles | null; refuse: EarlyRefusal | null }

/** For Fastify. */
export function serverOptions({ config, tls, refuse }: ServerOptions) {
  const limits = {
    maxHeaderSize: config.header_bytes_max,
    requestTimeout: config.request_timeout_ms,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  }
  const serverFactory: FastifyServerFactory = (handle, { keepAliveTimeout }) => {
    const options = { ...limits, keepAliveTimeout: keepAliveTimeout as number }
    const listener: http.RequestListener = (request, response) => {
      if (!refuse?.(request, response)) handle(request, response)
    }
    return tls ? https.createServer({ ...options, ...tlsOptions(tls) }, listener) : http.createServer(options, listener)
  }
  // It tells Fastify no more than the scheme of its address.
  return tls ? { serverFactory, https: {} } : { serverFactory, http: {} }
}
