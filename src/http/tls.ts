/** TLS from files: certificate chain and key, and for mutual TLS the authority of the callers' certificates. */
import { readFileSync } from 'node:fs'
import type { Server, ServerOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { watchFiles } from '../access/watch_files.ts'
import type { Config } from '../config.ts'

export type TlsFiles = { cert: string; key: string; client_ca?: string }

/** Null where the configuration has none; a contradiction is found with the configuration. */
export function tlsFilesOf({ tls_cert_file, tls_key_file, tls_client_ca_file }: Config): TlsFiles | null {
  if (!tls_cert_file || !tls_key_file) return null
  return { cert: tls_cert_file, key: tls_key_file, client_ca: tls_client_ca_file }
}

/** Reads the files; throws where they are not there or do not belong together. */
export function tlsOptions({ cert, key, client_ca }: TlsFiles): ServerOptions {
  const options: ServerOptions = { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2' }
  if (client_ca) options.ca = readFileSync(client_ca)
  try {
    createSecureContext(options)
  } catch (error) {
    throw new Error(`${cert}, ${key}: found ${(error as Error).message}, expected a certificate and its key in PEM`)
  }
  return { ...options, requestCert: client_ca !== undefined, rejectUnauthorized: client_ca !== undefined }
}

/**
 * New connections take the new certificate; those that are open keep theirs. While only one of two files is new, they do
 * not belong together: that is logged, and the change of the other one comes next.
 */
export function renewTls(app: FastifyInstance, files: TlsFiles, logger: FastifyBaseLogger) {
  const server = app.server as unknown as Server
  const close = watchFiles([files.cert, files.key, ...(files.client_ca ? [files.client_ca] : [])], () => {
    try {
      server.setSecureContext(tlsOptions(files))
      logger.info('certificate read again')
    } catch (error) {
      logger.error({ problem: (error as Error).message }, 'certificate not read again: the one from before stays')
    }
  })
  app.addHook('onClose', async () => close())
}
