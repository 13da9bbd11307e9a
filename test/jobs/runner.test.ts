import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRunner } from '../../src/jobs/run/runner.ts'
import { SnapshotError } from '../../src/store/snapshot.ts'

function fakeProcess() {
  const errors: string[] = []
  const stderr = { isTTY: false, write: (text: string) => errors.push(text) }
  const process = Object.assign(new EventEmitter(), { stderr, exitCode: 0 })
  return { process, errors, run: createRunner(process as unknown as NodeJS.Process) }
}

test('a wait that a signal cuts short ends with the signal, in one line', async () => {
  const { process, errors, run } = fakeProcess()
  const running = run({}, async ({ signal }) => {
    await sleep(60_000, undefined, { signal })
    return { summary: {}, text: '' }
  })
  process.emit('SIGINT', 'SIGINT')
  await running
  assert.deepEqual({ errors, code: process.exitCode }, { errors: ['prerank: stopped by SIGINT\n'], code: 130 })
})

test('a file that is no snapshot is one line, a defect shows its stack', async () => {
  const { errors, run } = fakeProcess()
  await run({}, () => Promise.reject(new SnapshotError('a.snapshot: truncated')))
  await run({}, () => Promise.reject(new TypeError('x is not a function')))
  assert.equal(errors[0], 'prerank: a.snapshot: truncated\n')
  assert.match(errors[1], /^prerank: TypeError: x is not a function\n +at /)
})
