/** The tower worker of a server in a process of its own dies in the middle of requests. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServerProcess } from '../lib/server_process.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import { post } from '../lib/tiny_service.ts'
import { startFaultyService } from './service.ts'

const DEATHS = 5
const PATIENCE_MS = 20_000
/** Events get older between two requests, and a float32 tower rounds by the size of its batch. */
const SCORE_DIFFERENCE_MAX = 1e-4

/** Where the file `death` exists the tower's worker dies on its next message, and takes the file with it. */
function mortality(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-mortal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const death = join(folder, 'death')
  const preload = new URL('../fixtures/tower/mortal_threads.ts', import.meta.url).pathname
  return { folder, death, environment: { TOWER_DEATH: death, NODE_OPTIONS: `--import ${preload}` } }
}

test('requests under way when the tower worker dies are answered as if nothing had happened', async (t) => {
  const { death, environment } = mortality(t)
  const service = await startFaultyService(environment)
  t.after(() => service.end())
  const expected = await Promise.all(Array.from({ length: 8 }, async (_, turn) => (await service.ask(turn)).body))
  for (let time = 0; time < DEATHS; time++) {
    writeFileSync(death, '')
    const end_ms = Date.now() + PATIENCE_MS
    while (existsSync(death)) {
      assert.ok(Date.now() < end_ms, 'no worker died')
      const answers = await Promise.all(expected.map((_, turn) => service.ask(turn)))
      for (const [turn, { status, body }] of answers.entries()) {
        assert.equal(status, 200, body.detail)
        assert.deepEqual(body.ids, expected[turn].ids)
        for (const [place, score] of Array.from(body.scores).entries()) {
          assert.ok(Math.abs(score - expected[turn].scores[place]) < SCORE_DIFFERENCE_MAX, `${score} at ${place}`)
        }
      }
      await sleep(10)
    }
  }
  assert.equal(service.log().match(/tower worker died/g)?.length, DEATHS)
  assert.equal(service.child.exitCode, null)
})

test('while no tower worker can be started readiness is off; the next one that starts puts it on again', async (t) => {
  const { folder, death, environment } = mortality(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const server = await startServerProcess({ BUNDLE_DIR: directory, ...environment })
  t.after(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  const ask = () => post(`${server.url}/v1/prerank`, { query: { text: 'red shoes' }, candidates: [1, 8, 15] })
  const ready = () => fetch(`${server.url}/readyz`)
  assert.equal((await ready()).status, 200, server.log())
  const model = join(directory, 'query_tower.onnx')
  const whole = readFileSync(model)
  writeFileSync(model, 'else')
  writeFileSync(death, '')
  const { status, body } = await ask()
  assert.deepEqual([status, body.code], [503, 'not_ready'], body.detail)
  const unready = await ready()
  assert.equal(unready.status, 503)
  assert.match(((await unready.json()) as { detail: string }).detail, /^found no tower worker can be started, expected/)
  assert.match(server.log(), /query_tower.onnx: found SHA-256/)
  writeFileSync(model, whole)
  const end_ms = Date.now() + PATIENCE_MS
  while ((await ready()).status !== 200) {
    assert.ok(Date.now() < end_ms, server.log())
    await sleep(50)
  }
  assert.equal((await ask()).status, 200)
})
