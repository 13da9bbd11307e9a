import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { startServerProcess } from '../lib/server_process.ts'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname

let directory: string
let environment: Record<string, string>
let authority: Buffer
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prerank-tls-'))
  environment = { TLS_CERT_FILE: join(directory, 'crt'), TLS_KEY_FILE: join(directory, 'key') }
  authority = await readFile(fixture('ca.crt'))
})
after(() => rm(directory, { recursive: true }))

async function install(name: string) {
  await copyFile(fixture(`${name}.crt`), environment.TLS_CERT_FILE)
  await copyFile(fixture(`${name}.key`), environment.TLS_KEY_FILE)
}

async function withService(variables: Record<string, string>, work: (service: TinyService) => Promise<void>) {
  await install('server_1')
  const service = await startTinyService({ environment: { ...environment, ...variables } })
  try {
    await work(service)
  } finally {
    await service.stop()
  }
}

/** Status and the name in the server's certificate, over a connection of its own. */
async function get(url: string, options: RequestOptions = {}) {
  const asked = request(url, { ca: authority, agent: false, ...options })
  asked.end()
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject)
  })
  const { subject } = (response.socket as TLSSocket).getPeerCertificate()
  return { status: response.statusCode, name: subject.CN, body: await text(response) }
}

test('with a certificate both ports speak TLS, and plain HTTP gets no answer', async () => {
  await withService({ ADMIN_PORT: '0' }, async ({ url, admin_url }) => {
    assert.match(url, /^https:/)
    assert.deepEqual(await get(`${url}/healthz`), { status: 200, name: 'server_1', body: '{"status":"ok"}' })
    assert.equal((await get(`${admin_url}/metrics`)).status, 200)
    await assert.rejects(fetch(`${url.replace('https', 'http')}/healthz`))
  })
})

test('versions before TLS 1.2 are refused', async () => {
  await withService({}, async ({ url }) => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await assert.rejects(get(`${url}/healthz`, old), /version|alert/)
    assert.equal((await get(`${url}/healthz`, { maxVersion: 'TLSv1.2' })).status, 200)
  })
})

test('a rotated certificate is taken without a restart, a damaged one is not', async () => {
  await withService({}, async ({ url }) => {
    const name = async () => (await get(`${url}/healthz`)).name
    await copyFile(fixture('make.sh'), environment.TLS_CERT_FILE)
    await sleep(1500)
    assert.equal(await name(), 'server_1')
    await install('server_2')
    for (const end_ms = Date.now() + 10_000; (await name()) !== 'server_2'; await sleep(50))
      assert.ok(Date.now() < end_ms)
  })
})

test('with an authority of callers only they are let in', async () => {
  await withService({ TLS_CLIENT_CA_FILE: fixture('ca.crt') }, async ({ url }) => {
    await assert.rejects(get(`${url}/healthz`), /certificate required|ECONNRESET|socket hang up/)
    const caller = { cert: await readFile(fixture('caller.crt')), key: await readFile(fixture('caller.key')) }
    assert.equal((await get(`${url}/healthz`, caller)).status, 200)
  })
})

test('files that do not belong together stop the start, with both named', async () => {
  const { exited, log } = await startServerProcess({
    TLS_CERT_FILE: fixture('server_1.crt'),
    TLS_KEY_FILE: fixture('server_2.key'),
  })
  assert.equal(await exited, 1)
  assert.match(log(), /server_1\.crt, .*server_2\.key: found .*mismatch/)
})
