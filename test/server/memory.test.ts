/** The formula of docs/reliability.md ("Memory is at most …"): a flood does not take more than what the limits add up to. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServerProcess } from '../lib/server_process.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import { post } from '../lib/tiny_service.ts'

const MIB = 2 ** 20
const PROCESS_MIB = 200
const YOUNG_MIB = 128
const KEPT_BODIES_MIB = 64
const LIVE_MIB = 16
const BODIES_MIB = 16
const CANDIDATES = 200_000
/** Key, row, caller column, parsed id, kernel scratch. */
const CANDIDATE_BYTES = 128
const IN_FLIGHT_MIB = 2 * BODIES_MIB + (CANDIDATES * CANDIDATE_BYTES) / MIB
/** What engagements keep is in V8's heap, which holds as much garbage before it collects. */
const SUM_MIB = PROCESS_MIB + YOUNG_MIB + KEPT_BODIES_MIB + IN_FLIGHT_MIB + 2 * LIVE_MIB

const candidates = Array.from({ length: 20_000 }, (_, index) => 1 + 7 * index)
const prerank = { query: { text: 'red shoes' }, user: { id: 'u1', country: 'DE' }, candidates }

function engagements(batch: number) {
  const events = Array.from({ length: 500 }, (_, index) => ({
    id: `${batch}/${index}`,
    user: { id: `user ${batch}/${index}` },
    query: { text: `query ${batch}/${index}` },
    item: 8,
    action: 'click',
    time: Date.now(),
  }))
  return { events }
}

const peakMib = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

test('a service with small limits that is flooded stays within their sum', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'prerank-memory-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeTinyBundle(directory)
  const { child, url, exited } = await startServerProcess({
    BUNDLE_DIR: directory,
    EMBEDDED_BYTES_MAX: `${2 * MIB}`,
    EMBEDDED_LIVE_BYTES_MAX: `${LIVE_MIB * MIB}`,
    BODY_BYTES_IN_FLIGHT_MAX: `${BODIES_MIB * MIB}`,
    CANDIDATES_IN_FLIGHT_MAX: `${CANDIDATES}`,
    SHUTDOWN_DELAY_MS: '0',
  })
  const statuses = new Set<number>()
  for (let round = 0; round < 20; round++) {
    const flood = Array.from({ length: 32 }, () => post(`${url}/v1/prerank`, prerank))
    const writes = Array.from({ length: 4 }, (_, index) =>
      post(`${url}/v1/engagements`, engagements(4 * round + index)),
    )
    for (const { status } of await Promise.all([...flood, ...writes])) statuses.add(status)
  }
  const peak = peakMib(child.pid!)
  child.kill('SIGTERM')
  await exited
  assert.ok(peak < SUM_MIB, `peak ${peak} MiB, expected at most ${SUM_MIB}`)
  assert.deepEqual([...statuses].sort(), [200, 503], 'some are answered, some refused')
})
