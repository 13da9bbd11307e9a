/** What a run of the service leaves on the machine: nothing, and nothing is told to anybody. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTinyBundle } from './lib/tiny_bundle.ts'

const root = new URL('..', import.meta.url).pathname

test('the service writes no file, neither in its home nor in the temporary folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'prerank-leftovers-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeTinyBundle(join(folder, 'bundle'))
  const [home, temporary] = [join(folder, 'home'), join(folder, 'tmp')]
  await mkdir(home)
  await mkdir(temporary)
  const env = { HOME: home, TMPDIR: temporary, BUNDLE_DIR: join(folder, 'bundle'), PORT: '0', HOST: '127.0.0.1' }
  const child = spawn(process.execPath, ['src/server.ts'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let log = ''
  for await (const chunk of child.stdout) {
    const before = log
    log += chunk
    const ready = '"msg":"ready"'
    if (log.includes(ready) && !before.includes(ready)) child.kill('SIGTERM')
  }
  assert.deepEqual(await exited, [0, null], log)
  assert.deepEqual(await readdir(home), [])
  assert.deepEqual(await readdir(temporary), [])
  // Older builds of the telemetry client insist on /tmp.
  assert.deepEqual(
    (await readdir('/tmp')).filter((name) => name === `mat-debug-${child.pid}.log`),
    [],
  )
})
