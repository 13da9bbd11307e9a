/** `npm run openapi` writes openapi/openapi.json from the route schemas, with the default limits. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { createMetrics } from '../metrics.ts'

/** The document, as text. */
export async function openapiDocument(): Promise<string> {
  const host = { serving: null, not_ready: 'only documented' }
  const app = await buildApp({
    config: readConfig({}),
    host,
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
  })
  await app.ready()
  const document = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return document
}

if (import.meta.main) {
  const directory = new URL('../../openapi/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL('openapi.json', directory), await openapiDocument())
}
