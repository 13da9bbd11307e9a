/** `npm run openapi` writes openapi/openapi.json from the route schemas, with the default limits. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { createMetrics } from './metrics.ts'
import { Reloader } from './reload/reloader.ts'

/** The document, as text. */
export async function openapiDocument(): Promise<string> {
  const host = { serving: null, not_ready: 'only documented' }
  const config = readConfig({})
  const about = { metrics: createMetrics(), logger: pino({ level: 'silent' }) }
  const open = () => Promise.reject(new Error(host.not_ready))
  const reloader = new Reloader({ bundle_dir: config.bundle_dir, open, onSwap() {}, ...about })
  const app = await buildApp({ config, host, reloader, ...about })
  await app.ready()
  const document = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return document
}

if (import.meta.main) {
  const directory = new URL('../openapi/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL('openapi.json', directory), await openapiDocument())
}
