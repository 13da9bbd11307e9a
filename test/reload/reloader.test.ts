/** The reloader over bundles that open when the test says so. */
import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import type { Pace } from '../../src/bundle/pace.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { OpenServing } from '../../src/open_serving.ts'
import { createHolds } from '../../src/prerank/holds.ts'
import type { Serving } from '../../src/prerank/serving.ts'
import { Reloader } from '../../src/reload/reloader.ts'

const bundle_dir = realpathSync(mkdtempSync(join(tmpdir(), 'prerank-reloader-')))
after(() => rmSync(bundle_dir, { recursive: true }))

type Opening = { pace: Pace; finish(): void }

/** Every bundle that it began to open. */
function createReloader() {
  const openings: Opening[] = []
  const open = async (directory: string, pace: Pace) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    openings.push({ pace, finish: resolve })
    await promise
    await pace.rest()
    return openServing(directory)
  }
  const about = { metrics: createMetrics(), logger: pino({ level: 'silent' }) }
  return { reloader: new Reloader({ bundle_dir, open, onSwap() {}, ...about }), openings }
}

function openServing(directory: string): OpenServing {
  const manifest = { name: 'one', version: '1', fingerprint: '0' }
  const serving = { bundle: { directory, manifest }, holds: createHolds() } as unknown as Serving
  return { serving, details: {}, close: async () => {} }
}

/** Until so many have begun. */
async function begun(openings: Opening[], count: number): Promise<Opening> {
  for (let tries = 0; tries < 1000 && openings.length < count; tries++) await turn()
  assert.equal(openings.length, count)
  return openings[count - 1]
}

test('a service that closes ends what the start still does', async () => {
  const { reloader, openings } = createReloader()
  const started = reloader.start()
  const first = await begun(openings, 1)
  const closed = reloader.close()
  first.finish()
  await assert.rejects(started, /the service is shutting down/)
  assert.equal(first.pace.signal?.aborted, true)
  await closed
})

test('whoever asks while a reload runs shares one more, which opens what is there then', async () => {
  const { reloader, openings } = createReloader()
  const started = reloader.start()
  ;(await begun(openings, 1)).finish()
  await started
  const running = reloader.reloadNext('signal')
  const second = await begun(openings, 2)
  const waiting = Array.from({ length: 8 }, () => reloader.reloadNext('signal'))
  second.finish()
  await running
  ;(await begun(openings, 3)).finish()
  await Promise.all(waiting)
  await reloader.idle()
  assert.equal(openings.length, 3)
  await reloader.close()
})

test('what is asked for once the shared reload has begun is opened after it', async () => {
  const { reloader, openings } = createReloader()
  const started = reloader.start()
  const second = reloader.reloadNext('signal')
  ;(await begun(openings, 1)).finish()
  await started
  const shared = await begun(openings, 2)
  const third = reloader.reloadNext('signal')
  shared.finish()
  await second
  ;(await begun(openings, 3)).finish()
  await third
  await reloader.close()
})
