/** Requests without a pause while bundles change under them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '../../src/server.ts'
import { type Asked, admin, createJudge, createTwoBundles, startOver } from '../lib/bundles.ts'
import { mappedTables, rssMib } from '../lib/process_memory.ts'

const LANES = 4

let bundles: Awaited<ReturnType<typeof createTwoBundles>>
let service: Service
let ask: () => Promise<Asked>
before(async () => {
  bundles = await createTwoBundles()
  service = await startOver(bundles.root)
  const judge = await createJudge([bundles.v1, bundles.v2])
  ask = () => judge(service.url)
})
after(async () => {
  await service.stop()
  await bundles.remove()
})

/** Asks in several lanes for as long as the work takes. */
async function underLoad(work: () => Promise<void>): Promise<Asked[]> {
  const asked: Asked[] = []
  let is_over = false
  const lane = async () => {
    while (!is_over) asked.push(await ask())
  }
  const lanes = Array.from({ length: LANES }, lane)
  try {
    await work()
  } finally {
    is_over = true
    await Promise.all(lanes)
  }
  return asked
}

test('over many reloads no answer fails, and each has the scores of the bundle that it names', async () => {
  const reloads = 12
  const asked = await underLoad(async () => {
    for (let count = 1; count <= reloads; count++) {
      const { status, body } = await admin(service.url, 'reload', { bundle: count % 2 ? 'v2' : 'v1' })
      assert.equal(status, 200, body.detail)
    }
  })
  assert.deepEqual(
    asked.filter(({ is_right }) => !is_right).map(({ detail }) => detail),
    [],
  )
  for (const version of ['v1', 'v2']) assert.ok(asked.some((one) => one.version === version))
  assert.ok(asked.length > 10 * reloads, `${asked.length} answers`)
})

test('no thread starts for a reload', async () => {
  let started = 0
  const count = () => started++
  process.on('worker', count)
  try {
    assert.equal((await admin(service.url, 'reload')).status, 200)
  } finally {
    process.off('worker', count)
  }
  assert.equal(started, 0)
})

test('what a bundle took is given back: one table stays mapped, and memory stops growing', async () => {
  const reload = async (times: number) => {
    for (let count = 0; count < times; count++) await admin(service.url, 'reload', { bundle: count % 2 ? 'v2' : 'v1' })
    await settled(() => mappedTables(bundles.root).length === 1)
    assert.equal(mappedTables(bundles.root).length, 1, mappedTables(bundles.root).join())
    return rssMib()
  }
  await reload(6)
  const before_mib = await reload(6)
  const after_mib = await reload(12)
  // Twelve leaked towers with their threads would be some hundred MiB.
  assert.ok(after_mib < before_mib + 60, `${before_mib} MiB, then ${after_mib} MiB`)
})

async function settled(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !condition(); tries++) await sleep(50)
}
