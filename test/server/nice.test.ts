import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTinyService } from '../lib/tiny_service.ts'

/** A thread that never lowers itself is a failure, not a wait. */
const LIMIT = { timeout: 60_000 }
const body = { query: { text: 'red shoes' }, candidates: Array.from({ length: 20_000 }, (_, index) => index) }

test('threads that compute are as much nicer as they should be, the one that answers is not', LIMIT, async () => {
  const before = nicenessOf('MainThread')[0]
  const service = await startTinyService({ environment: { COMPUTE_NICE: '7' } })
  try {
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.post(body)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.ok(nicenessOf('tower').length > 0)
    // A thread that waits for a reload lowers itself when it has started.
    while (!nicenessOf('tower').every((nice) => nice === before + 7)) await sleep(10)
    const pool = nicenessOf('libuv-worker')
    assert.ok(pool.includes(before + 7), `${pool}`)
    assert.ok(
      pool.every((nice) => nice === before || nice === before + 7),
      `${pool}`,
    )
    assert.equal(nicenessOf('MainThread')[0], before)
  } finally {
    await service.stop()
  }
})

/** Of this process's threads with that name (proc(5): the name is the second field of `stat`, niceness the nineteenth). */
function nicenessOf(name: string): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    return stat.slice(stat.indexOf('(') + 1, end) === name ? [Number(stat.slice(end + 2).split(' ')[16])] : []
  })
}
