import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeKeyFile } from '../lib/key_file.ts'
import { startTinyService } from '../lib/tiny_service.ts'

test('with a port of its own the admin side is there and nowhere else', async () => {
  const service = await startTinyService({ environment: { ADMIN_PORT: '0' } })
  try {
    const status = async (url: string) => (await fetch(url)).status
    assert.match(service.admin_url!, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.deepEqual([await status(`${service.url}/metrics`), await status(`${service.admin_url}/metrics`)], [404, 200])
    for (const path of ['/v1/models', '/openapi.json', '/docs']) {
      assert.deepEqual([await status(service.url + path), await status(service.admin_url + path)], [200, 404], path)
    }
    for (const url of [service.url, service.admin_url]) assert.equal(await status(`${url}/healthz`), 200)
    const body = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }
    assert.equal((await service.post(body)).status, 200)
    const text = await (await fetch(`${service.admin_url}/metrics`)).text()
    assert.match(text, /prerank_candidates_total\{outcome="scored"\} 3/, 'one registry for both')
  } finally {
    await service.stop()
  }
  await assert.rejects(fetch(`${service.admin_url}/healthz`), 'closed with the service')
})

test('keys guard the admin port too', async () => {
  const { path, keys, remove } = await writeKeyFile()
  const service = await startTinyService({ environment: { ADMIN_PORT: '0', API_KEYS_FILE: path } })
  try {
    const status = async (key?: string) =>
      (await fetch(`${service.admin_url}/metrics`, { headers: key ? { authorization: `Bearer ${key}` } : {} })).status
    assert.deepEqual([await status(), await status(keys.prerank), await status(keys.metrics)], [401, 403, 200])
  } finally {
    await service.stop()
    await remove()
  }
})
