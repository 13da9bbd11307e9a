/** The tower worker of a server in a process of its own dies in the middle of requests. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFaultyService } from './service.ts'

const DEATHS = 5
const PATIENCE_MS = 20_000
/** Events get older between two requests, and a float32 tower rounds by the size of its batch. */
const SCORE_DIFFERENCE_MAX = 1e-4

test('requests under way when the tower worker dies are answered as if nothing had happened', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-mortal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const death = join(folder, 'death')
  const preload = new URL('../fixtures/tower/mortal_threads.ts', import.meta.url).pathname
  const service = await startFaultyService({ TOWER_DEATH: death, NODE_OPTIONS: `--import ${preload}` })
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
