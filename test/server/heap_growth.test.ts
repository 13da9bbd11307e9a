/** In a process of its own: what V8 decides depends on all that is in its heap. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const module = new URL('../../src/heap_growth.ts', import.meta.url).href

/** Collections of the whole heap while 16 MiB of buffers come, after some that were asked for; 32 MiB of objects live all the time. */
function collectionsWith(setup: string): number {
  const script = `
    import { PerformanceObserver } from 'node:perf_hooks'
    import { setTimeout as sleep } from 'node:timers/promises'
    ${setup}
    const live = Array.from({ length: 2 ** 19 }, (_, index) => ({ index, next: { index } }))
    // V8 widens the limit of its own accord for those that allocate much; a service does not.
    for (let times = 0; times < 3; times++) {
      gc()
      await sleep(300)
    }
    let major = 0
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) major++
    }).observe({ entryTypes: ['gc'] })
    const kept = []
    for (let count = 0; count < 16; count++) {
      kept.push(Buffer.alloc(2 ** 20))
      gc({ type: 'minor' })
      await sleep(20)
    }
    console.log(major, live.length, kept.length)
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.match(stdout, /^\d+ 524288 16\n$/, stderr)
  return Number.parseInt(stdout, 10)
}

test('a few buffers more do not make V8 mark its whole heap again', () => {
  assert.ok(collectionsWith('') > 0, 'without the setting they do')
  assert.equal(collectionsWith(`import { widenHeapGrowth } from '${module}'; widenHeapGrowth()`), 0)
})
