import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenError } from '../../src/listen.ts'
import { freePort } from '../lib/redis_process.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

const CONNECTIONS = 64

test('services that share a port answer the same, each some of the connections', async () => {
  const environment = { PORT: `${await freePort()}`, ADMIN_PORT: '0', REUSE_PORT: 'true' }
  const services = [await startTinyService({ environment }), await startTinyService({ environment })]
  try {
    assert.equal(services[0].url, services[1].url)
    const body = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }
    const expected = (await services[0].post(body)).body.scores
    for (let sent = 1; sent < CONNECTIONS; sent++) {
      const answer = await services[0].post(body, { headers: { connection: 'close' } })
      assert.deepEqual([answer.status, answer.body.scores], [200, expected])
    }
    const shares = await Promise.all(services.map(answered))
    assert.equal(shares[0] + shares[1], CONNECTIONS)
    assert.ok(Math.min(...shares) > 0, `${shares.join(' and ')} answers`)
  } finally {
    for (const service of services) await service.stop()
  }
})

test('without it a second process is refused the port', async () => {
  const environment = { PORT: `${await freePort()}`, ADMIN_PORT: '0' }
  const service = await startTinyService({ environment })
  try {
    await assert.rejects(startTinyService({ environment }), { code: 'EADDRINUSE' })
  } finally {
    await service.stop()
  }
})

test('a system that cannot share ports is named', () => {
  const error = Object.assign(new Error('listen ENOTSUP'), { code: 'ENOTSUP' })
  const address = { host: '::', port: 8080 }
  assert.match(listenError(error, { ...address, reusePort: true }).message, /^REUSE_PORT, port 8080: found .*ENOTSUP$/)
  assert.equal(listenError(error, address), error)
})

async function answered({ admin_url }: TinyService): Promise<number> {
  const text = await (await fetch(`${admin_url}/metrics`)).text()
  const line = /^prerank_http_requests_total\{route="\/v1\/prerank",status="200",code=""\} (\d+)$/m.exec(text)
  return Number(line?.[1] ?? 0)
}
