/** The file of a serving item table loses bytes: requests fail with a reason, readiness goes off, the process lives. */
import assert from 'node:assert/strict'
import { copyFile, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTinyService } from '../lib/tiny_service.ts'

const request = {
  query: { text: 'red shoes' },
  user: { id: 'u1', country: 'DE' },
  candidates: [1, 8, 15, 22],
  top_k: 3,
}

async function serve(t: TestContext) {
  const service = await startTinyService()
  t.after(() => service.stop())
  const table = join(service.bundle.directory, 'items.table')
  const metric = async () =>
    /^prerank_item_table_damaged (\d)/m.exec(await (await fetch(`${service.url}/metrics`)).text())
  const ready = async () => (await fetch(`${service.url}/readyz`)).status
  return { service, table, ready, damaged: async () => Number((await metric())?.[1]) }
}

test('no answer comes from a truncated table, and nothing crashes', async (t) => {
  const { service, table, ready, damaged } = await serve(t)
  assert.equal((await service.post(request)).status, 200)
  assert.deepEqual([await ready(), await damaged()], [200, 0])
  await truncate(table, 4096)
  for (const cbor of [false, true]) {
    const { status, body, headers } = await service.post(request, { cbor })
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'table_damaged', '1'])
    assert.match(body.detail, /items\.table that has shrunk.*reload/)
  }
  assert.deepEqual([await ready(), await damaged()], [503, 1])
  assert.equal((await fetch(`${service.url}/healthz`)).status, 200)
})

test('a reload mends it, without a restart', async (t) => {
  const { service, table, ready, damaged } = await serve(t)
  const whole = await service.post(request)
  await copyFile(table, `${table}.whole`)
  await truncate(table, 4096)
  assert.equal((await service.post(request)).status, 503)
  const reload = () => fetch(`${service.url}/v1/admin/reload`, { method: 'POST' })
  assert.equal((await reload()).status, 422, 'what is damaged is not taken')
  await rename(`${table}.whole`, table)
  assert.equal((await reload()).status, 200)
  const again = await service.post(request)
  assert.deepEqual([again.status, again.body.ids], [200, whole.body.ids])
  assert.deepEqual([await ready(), await damaged()], [200, 0])
})

test('a table that has lost its last byte only is no better', async (t) => {
  const { service, table, ready } = await serve(t)
  await truncate(table, (await stat(table)).size - 1)
  assert.equal((await service.post(request)).body.code, 'table_damaged')
  assert.equal(await ready(), 503)
})
