import assert from 'node:assert/strict'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type { Service } from '../../src/server.ts'
import { type Asked, admin, bundlesOf, createJudge, createTwoBundles, startOver } from '../lib/bundles.ts'
import { engage, eventBody } from '../lib/engagements.ts'
import { post } from '../lib/tiny_service.ts'

let bundles: Awaited<ReturnType<typeof createTwoBundles>>
let service: Service
let ask: () => Promise<Asked>
before(async () => {
  bundles = await createTwoBundles()
  service = await startOver(bundles.root)
  const judge = await createJudge([bundles.v1, bundles.v2])
  ask = () => judge(service.url)
})
after(async () => {
  await service.stop()
  await bundles.remove()
  await rm(outside(), { recursive: true, force: true })
})
beforeEach(async () => {
  await bundles.point('v1')
  assert.equal((await admin(service.url, 'reload')).status, 200)
})

const outside = () => `${bundles.root}-outside`
const reload = (body?: unknown) => admin(service.url, 'reload', body)
const rollback = () => admin(service.url, 'rollback')

async function assertServes(version: string) {
  const { is_right, ...answer } = await ask()
  assert.deepEqual([answer.version, is_right], [version, true], answer.detail)
}

test('a reload serves what `current` points at now, and says what it serves and what before', async () => {
  await assertServes('v1')
  await bundles.point('v2')
  await assertServes('v1')
  const { status, body } = await reload()
  assert.equal(status, 200, body.detail)
  await assertServes('v2')
  assert.equal(body.serving?.fingerprint, bundles.v2.manifest.fingerprint)
  assert.equal(body.previous?.fingerprint, bundles.v1.manifest.fingerprint)
  assert.deepEqual(
    [body.last_reload?.trigger, body.last_reload?.outcome, body.is_reloading],
    ['admin', 'swapped', false],
  )
  assert.deepEqual(await bundlesOf(service.url), body)
})

test('a rollback serves the previous bundle, and another one undoes it', async () => {
  await bundles.point('v2')
  await reload()
  const back = await rollback()
  assert.equal(back.status, 200, back.body.detail)
  assert.deepEqual([back.body.serving?.version, back.body.previous?.version], ['v1', 'v2'])
  await assertServes('v1')
  assert.equal((await rollback()).body.serving?.version, 'v2')
  await assertServes('v2')
})

test('a bundle may be named, but only one of the directory', async () => {
  assert.equal((await reload({ bundle: 'v2' })).body.serving?.version, 'v2')
  await assertServes('v2')
  await symlink(outside(), join(bundles.root, 'link'))
  for (const bundle of ['../v1', '/etc', '.', '..', 'current', 'v1/../v2', 'missing', 'link', '', '.hidden']) {
    const { status, body } = await reload({ bundle })
    assert.deepEqual([status, body.code], [422, 'bundle_rejected'], bundle)
  }
  await mkdir(outside())
  const { body } = await reload({ bundle: 'link' })
  assert.match(body.detail, /link outside of/)
  await assertServes('v2')
})

test('wrong bodies are refused', async () => {
  const cases: [unknown, string, string][] = [
    [{ bundle: 5 }, 'invalid_field', 'bundle'],
    [{ path: '/etc' }, 'unknown_field', 'path'],
    [[], 'invalid_field', 'the body'],
    [null, 'invalid_field', 'the body'],
  ]
  for (const [body, code, field] of cases) {
    const answer = await reload(body)
    assert.deepEqual([answer.status, answer.body.code, answer.body.field], [400, code, field])
  }
  const large = await reload({ bundle: 'v'.repeat(5000) })
  assert.deepEqual([large.status, large.body.code], [413, 'body_too_large'])
  const headers = { 'content-type': 'application/json' }
  const empty = await fetch(`${service.url}/v1/admin/reload`, { method: 'POST', headers })
  assert.equal(empty.status, 200, 'a content type without content is no mistake')
})

test('one reload at a time: a second one is refused, as a rollback is', async () => {
  await bundles.point('v2')
  const first = reload()
  while (!(await bundlesOf(service.url)).is_reloading);
  const [second, back] = await Promise.all([reload(), rollback()])
  assert.deepEqual([second.status, second.body.code], [409, 'reload_in_progress'])
  assert.deepEqual([back.status, back.body.code], [409, 'reload_in_progress'])
  assert.equal((await first).status, 200)
  await assertServes('v2')
})

test('what engagements changed is still there after a reload', async () => {
  const user = { id: 'u9', country: 'DE' }
  const request = { query: { text: 'red shoes' }, user, candidates: [8], explain: { ids: [8] } }
  const clicks = async () => {
    const { body } = await post(`${service.url}/v1/prerank`, request)
    return body.explain[0].features!['cross.click'].raw!
  }
  const before = await clicks()
  await engage(service, [eventBody({ user, query: request.query, item: 8 })])
  const engaged = await clicks()
  assert.ok(engaged > before)
  await bundles.point('v2')
  await reload()
  assert.equal(await clicks(), engaged)
})

test('metrics count reloads and name the one bundle that is served', async () => {
  await bundles.point('v2')
  await reload()
  await reload({ bundle: 'missing' })
  const text = await (await fetch(`${service.url}/metrics`)).text()
  assert.match(text, /prerank_reloads_total\{outcome="swapped"\} [1-9]/)
  assert.match(text, /prerank_reloads_total\{outcome="rejected"\} [1-9]/)
  assert.match(text, /prerank_reload_duration_seconds_count\{outcome="swapped"\} [1-9]/)
  const infos = text.match(/^prerank_bundle_info\{.*/gm)
  assert.deepEqual(infos, [
    `prerank_bundle_info{name="tiny",version="v2",fingerprint="${bundles.v2.manifest.fingerprint}"} 1`,
  ])
})
