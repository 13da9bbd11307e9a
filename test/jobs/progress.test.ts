import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from '../../src/jobs/run/progress.ts'

function sink(options: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = []
  return { ...options, written, write: (text: string) => written.push(text) }
}

test('a terminal gets a bar that is redrawn on its line and never wraps', () => {
  const terminal = sink({ isTTY: true, columns: 40 })
  const step = createProgress(terminal).step('a step with a long name', { total: 1000, unit: 'rows' })
  step.advance(500)
  step.finish('done')
  assert.ok(terminal.written[0].startsWith('\r\u001b[2Ka step with a long name [#'))
  assert.ok(terminal.written[0].length <= 40 + '\r\u001b[2K'.length)
  assert.match(terminal.written.at(-1)!, /^a step with a long name: \d+ ms, done\n$/)
})

test('elsewhere there are plain lines, and few of them', () => {
  const pipe = sink()
  const step = createProgress(pipe).step('reading', { total: 1000, unit: 'rows' })
  for (let row = 0; row <= 1000; row++) step.advance(row)
  step.finish()
  assert.equal(pipe.written.length, 1)
  assert.match(pipe.written[0], /^reading: \d+ ms\n$/)
})

test('an error starts on a line of its own', () => {
  const terminal = sink({ isTTY: true })
  const progress = createProgress(terminal)
  progress.step('reading').advance(1)
  progress.clear()
  progress.clear()
  assert.deepEqual(terminal.written.slice(1), ['\r\u001b[2K'])
})
