import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Reloader } from '../../src/reload/reloader.ts'
import { post, startTinyService } from '../lib/tiny_service.ts'

const body = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }

test('before a bundle is loaded everything but health is 503, and says why and when to come back', async () => {
  const host = { serving: null, not_ready: 'the bundle is being loaded' }
  const [config, metrics, logger] = [readConfig({}), createMetrics(), pino({ level: 'silent' })]
  const open = () => Promise.reject(new Error('never opened'))
  const reloader = new Reloader({ bundle_dir: config.bundle_dir, open, onSwap() {}, metrics, logger })
  const app = await buildApp({ config, host, reloader, metrics, logger })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/readyz', '/v1/models']) assert.equal((await fetch(url + path)).status, 503)
  const answer = await post(`${url}/v1/prerank`, body)
  assert.deepEqual([answer.status, answer.body.code, answer.headers.get('retry-after')], [503, 'not_ready', '1'])
  assert.match(answer.body.detail, /the bundle is being loaded/)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.match(await metrics.registry.metrics(), /prerank_shed_total\{reason="not_ready"\} 1/)
  await app.close()
})

test('a full tower queue refuses at once, and what was accepted is answered', async () => {
  const service = await startTinyService({ environment: { TOWER_QUEUE_MAX: '1', TOWER_BATCH_MAX: '1' } })
  const answers = await Promise.all(Array.from({ length: 100 }, () => service.post(body)))
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0 && refused.length < 100, `${refused.length} refused`)
  for (const { status, headers, body } of refused) {
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'overloaded', '1'])
  }
  const expected = (await service.oracle(body)).map(({ id }) => Number(id))
  for (const { status, body } of answers) if (status === 200) assert.deepEqual(body.ids, expected)
  await service.stop()
})
