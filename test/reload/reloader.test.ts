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
