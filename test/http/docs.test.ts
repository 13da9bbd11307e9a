import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { Compile } from 'typebox/schema'
import { openapiDocument } from '../../src/openapi.ts'
import { postEngagements } from '../lib/engagements.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

type Schema = { examples: object[]; $defs?: object }
type Document = { openapi: string; paths: Record<string, object>; components: { schemas: Record<string, Schema> } }

const COMMITTED = new URL('../../openapi/openapi.json', import.meta.url)
let service: TinyService
let document: Document
before(async () => {
  service = await startTinyService()
  document = JSON.parse(await readFile(COMMITTED, 'utf8'))
})
after(() => service.stop())

test('openapi.json is what the routes say; `npm run openapi` writes it', async () => {
  assert.equal(await readFile(COMMITTED, 'utf8'), await openapiDocument())
})

test('every route of the contract is documented', () => {
  assert.deepEqual(Object.keys(document.paths).sort(), [
    '/healthz',
    '/metrics',
    '/readyz',
    '/v1/admin/bundles',
    '/v1/admin/reload',
    '/v1/admin/rollback',
    '/v1/engagements',
    '/v1/models',
    '/v1/prerank',
  ])
})

test('the examples are good requests, and their answers and problems hold the documented schemas', async () => {
  const { PrerankRequest, PrerankAnswer, Problem } = document.components.schemas
  assert.ok(PrerankRequest.examples.length >= 2)
  for (const example of PrerankRequest.examples) {
    assert.ok(Compile(PrerankRequest).Check(example))
    const { status, body } = await service.post(example)
    assert.equal(status, 200, body.detail)
    assert.ok(Compile(PrerankAnswer).Check(body), JSON.stringify([...Compile(PrerankAnswer).Errors(body)]))
  }
  for (const example of PrerankAnswer.examples) assert.ok(Compile(PrerankAnswer).Check(example))
  const problem = await service.post({ query: {} })
  assert.ok(Compile(Problem).Check(problem.body))
})

test('the examples of engagements are good requests too', async () => {
  const { Engagements, EngagementsAnswer } = document.components.schemas
  for (const example of Engagements.examples) {
    assert.ok(Compile(Engagements).Check(example))
    const { status, body } = await postEngagements(service, example)
    assert.equal(status, 200, body.detail)
    assert.ok(Compile(EngagementsAnswer).Check(body), JSON.stringify(body))
  }
  for (const example of EngagementsAnswer.examples) assert.ok(Compile(EngagementsAnswer).Check(example))
})

test('the document is served, and so is its browser with all that it loads', async () => {
  const served = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document
  assert.deepEqual(Object.keys(served.paths), Object.keys(document.paths))
  const page = await fetch(`${service.url}/docs`)
  assert.equal(page.status, 200)
  const html = await page.text()
  const assets = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, path]) => new URL(path, page.url))
  assert.ok(assets.length >= 3, html)
  for (const asset of assets) assert.equal((await fetch(asset)).status, 200, `${asset}`)
  assert.equal((await fetch(new URL('/docs/json', page.url))).status, 200)
})
