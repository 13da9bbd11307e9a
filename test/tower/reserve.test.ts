/** Worker threads that outlive the towers in them. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openTowers } from '../../bench/tower/bundles.ts'
import { TowerPool, type TowerPoolOptions } from '../../src/tower/pool.ts'
import { WorkerReserve } from '../../src/tower/reserve.ts'
import { rssMib } from '../lib/process_memory.ts'
import { expected, feed, toy } from './toy.ts'

const DEMO = new URL('../../models/demo', import.meta.url).pathname

/** Pools from one reserve; `started` counts the threads of the process since. */
function reserveOf(t: TestContext, count: number) {
  let started = 0
  const count_one = () => started++
  process.on('worker', count_one)
  const reserve = new WorkerReserve({ count })
  t.after(async () => {
    process.off('worker', count_one)
    await reserve.close()
  })
  const open = (options?: Partial<TowerPoolOptions>) => TowerPool.start({ ...toy, reserve, ...options })
  return { reserve, open, started: () => started }
}

test('pools that follow one another beside each other take turns with two threads', async (t) => {
  const { open, started } = reserveOf(t, 2)
  let serving = await open()
  for (let x = 0; x < 6; x++) {
    const next = await open({ batch_max: 1 + x })
    await serving.close()
    serving = next
    assert.deepEqual([...(await serving.run(feed({ x })))], expected({ x }))
  }
  await serving.close()
  assert.equal(started(), 2)
})

test('a model that is refused costs no thread', async (t) => {
  const { open, started } = reserveOf(t, 1)
  await assert.rejects(open({ model_sha256: '0'.repeat(64) }), /found SHA-256/)
  await assert.rejects(open({ output: { ...toy.output, shape: [3, 4] } }), /does not fit the manifest/)
  const pool = await open()
  assert.deepEqual([...(await pool.run(feed({ x: 1 })))], expected({ x: 1 }))
  await pool.close()
  assert.equal(started(), 1)
})

test('a thread that still runs when its pool closes is ready for the next', async (t) => {
  const { open, started } = reserveOf(t, 1)
  const pool = await open()
  const running = pool.run(feed({ x: 1, steps: 500 }))
  await turn()
  await pool.close()
  const next = await open()
  assert.deepEqual([...(await next.run(feed({ x: 2 })))], expected({ x: 2 }))
  assert.deepEqual([...(await running)], expected({ x: 1, steps: 500 }))
  await next.close()
  assert.equal(started(), 1)
})

test('a thread that is ended in the midst of a run, or before it began, takes nothing with it', async (t) => {
  const { reserve, open } = reserveOf(t, 2)
  const pool = await open()
  const running = assert.rejects(pool.run(feed({ x: 0, steps: 500 })), /tower pool closed/)
  await turn()
  await reserve.close()
  await running
  await pool.close()
})

test('pools that need more threads than there are get them, for as long as they need them', async (t) => {
  const { open, started } = reserveOf(t, 1)
  const pools = [await open(), await open()]
  await Promise.all(pools.map((pool) => pool.close()))
  assert.equal(started(), 2)
  await (await open()).close()
  assert.equal(started(), 2)
})

test('a thread gives back the memory of every tower it had', async (t) => {
  const { open } = reserveOf(t, 1)
  const [{ signature }] = await openTowers(DEMO)
  const openOften = async (times: number) => {
    for (let count = 0; count < times; count++) await (await open({ ...signature, batch_max: 2 })).close()
    return rssMib()
  }
  const before_mib = await openOften(5)
  const after_mib = await openOften(40)
  // Forty towers of 3.2 MiB, or their files, would be 128 MiB.
  assert.ok(after_mib < before_mib + 32, `${before_mib} MiB, then ${after_mib} MiB`)
})
