import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

const JSON_TYPE = { 'content-type': 'application/json' }
const BODY = JSON.stringify({ query: { text: 'red shoes' }, candidates: [1] })

test('every answer says that it is not to be cached, guessed at, framed or referred from', async () => {
  const calls: [string, RequestInit?][] = [
    ['/healthz'],
    ['/metrics'],
    ['/nothing'],
    ['/v1/prerank', { method: 'POST', headers: JSON_TYPE, body: BODY }],
    ['/v1/prerank', { method: 'POST', headers: JSON_TYPE, body: '{' }],
    ['/v1/prerank', { method: 'PUT' }],
  ]
  for (const [path, options] of calls) {
    const { headers } = await fetch(service.url + path, options)
    const seen = ['x-content-type-options', 'cache-control', 'referrer-policy', 'content-security-policy'].map((name) =>
      headers.get(name),
    )
    assert.deepEqual(seen, ['nosniff', 'no-store', 'no-referrer', "default-src 'none'; frame-ancestors 'none'"], path)
  }
})

test('no other origin may read an answer, and no preflight is granted', async () => {
  const origin = { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' }
  for (const method of ['POST', 'OPTIONS']) {
    const { headers } = await fetch(`${service.url}/v1/prerank`, { method, headers: { ...JSON_TYPE, ...origin } })
    const granted = [...headers.keys()].filter((name) => name.startsWith('access-control-'))
    assert.deepEqual(granted, [], method)
  }
})

test('the policy of the documentation allows what the documentation loads, and no inline script', async () => {
  const page = await fetch(`${service.url}/docs`)
  const policy = page.headers.get('content-security-policy')!
  assert.match(policy, /default-src 'self';/)
  assert.doesNotMatch(policy, /script-src|unsafe-eval/)
  const html = await page.text()
  const scripts = [...html.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)]
  assert.ok(scripts.length >= 3)
  for (const [, attributes, inline] of scripts) {
    assert.match(attributes, /src="\/docs\//, 'from this origin')
    assert.equal(inline.trim(), '')
  }
  assert.doesNotMatch(html, /\son\w+=|javascript:|<style/)
})
