/** What makes a running process reload: a signal, a pointer that moves; and what ends it while it does. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { admin, bundlesOf, createJudge, createTwoBundles } from '../lib/bundles.ts'
import { type ServerProcess, startServerProcess } from '../lib/server_process.ts'

const PATIENCE_MS = 30_000

let bundles: Awaited<ReturnType<typeof createTwoBundles>>
before(async () => {
  bundles = await createTwoBundles()
})
after(() => bundles.remove())

async function start(t: { after(end: () => Promise<void>): void }, environment: Record<string, string> = {}) {
  const server = await startServerProcess({ BUNDLE_DIR: bundles.root, SHUTDOWN_DELAY_MS: '0', ...environment })
  t.after(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

async function until(server: ServerProcess, what: string, holds: () => Promise<boolean>): Promise<void> {
  const end_ms = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    assert.ok(Date.now() < end_ms, `${what}: not within ${PATIENCE_MS} ms: ${server.log()}`)
    await sleep(30)
  }
}

const serves = (server: ServerProcess, version: string) =>
  until(server, `serves ${version}`, async () => (await bundlesOf(server.url)).serving?.version === version)

test('SIGHUP reloads; a bundle that cannot be served is logged and changes nothing', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '0' })
  await bundles.point('v2')
  server.child.kill('SIGHUP')
  await serves(server, 'v2')
  assert.equal((await bundlesOf(server.url)).last_reload?.trigger, 'signal')
  await bundles.point('nowhere')
  server.child.kill('SIGHUP')
  await until(server, 'rejects', async () => server.log().includes('bundle rejected'))
  const { serving, last_reload } = await bundlesOf(server.url)
  assert.deepEqual([serving?.version, last_reload?.outcome], ['v2', 'rejected'])
  assert.match(last_reload?.reason ?? '', /current\/manifest\.json: there is no such directory/)
})

test('a SIGHUP during a reload is not lost: it reloads again', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '0' })
  server.child.kill('SIGHUP')
  await until(server, 'reloads', async () => (await bundlesOf(server.url)).is_reloading)
  await bundles.point('v2')
  server.child.kill('SIGHUP')
  await serves(server, 'v2')
})

test('a pointer that moves and a SIGHUP are one reload', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '50' })
  await bundles.point('v2')
  server.child.kill('SIGHUP')
  await serves(server, 'v2')
  // Longer than two looks at the pointer.
  await sleep(200)
  await until(server, 'rests', async () => !(await bundlesOf(server.url)).is_reloading)
  assert.equal(server.log().match(/bundle swapped/g)?.length, 1, server.log())
})

test('a pointer that moves is followed: a link, and a file of one line', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '50' })
  await bundles.point('v2')
  await serves(server, 'v2')
  assert.equal((await bundlesOf(server.url)).last_reload?.trigger, 'pointer')
  await bundles.write('v1\n')
  await serves(server, 'v1')
  await writeFile(join(bundles.root, 'current'), 'v2')
  await serves(server, 'v2')
})

test('a rollback holds until the pointer moves', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '50' })
  await bundles.point('v2')
  await serves(server, 'v2')
  assert.equal((await admin(server.url, 'rollback')).body.serving?.version, 'v1')
  await sleep(300)
  assert.equal((await bundlesOf(server.url)).serving?.version, 'v1')
  await bundles.add('v3')
  await bundles.point('v3')
  await serves(server, 'v3')
})

test('a pointer at a bad bundle is tried once, and the next move is followed', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '50' })
  await bundles.add('wrong', { golden_error: 0.01 })
  await bundles.point('wrong')
  await until(server, 'rejects', async () => server.log().includes('bundle rejected'))
  await sleep(500)
  assert.equal(server.log().match(/bundle rejected/g)?.length, 1)
  await bundles.point('v2')
  await serves(server, 'v2')
})

test('a shutdown during a reload ends both: requests are answered, the process ends by itself', async (t) => {
  await bundles.point('v1')
  const server = await start(t, { BUNDLE_POLL_MS: '0', SHUTDOWN_DELAY_MS: '200' })
  const judge = await createJudge([bundles.v1, bundles.v2])
  await bundles.point('v2')
  server.child.kill('SIGHUP')
  await until(server, 'reloads', async () => (await bundlesOf(server.url)).is_reloading)
  server.child.kill('SIGTERM')
  const answer = await judge(server.url)
  assert.ok(answer.is_right, answer.detail)
  const start_ms = performance.now()
  assert.equal(await server.exited, 0, server.log())
  assert.ok(performance.now() - start_ms < 10_000)
  assert.match(server.log(), /"msg":"stopped"/)
})
