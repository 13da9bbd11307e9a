/**
 * No room for what a job writes. A limit on the size of files (`ulimit -f`) stands for a full disk: the same write fails at
 * the same place, with EFBIG instead of ENOSPC, and every machine can set it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { AS_OF_MS, randomLog, writeLog } from '../jobs/log_fixture.ts'
import { prerank } from '../jobs/process.ts'
import { testFolder } from '../jobs/support.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname
/** `ulimit -f` counts blocks of 512 bytes in POSIX shells, of 1,024 in bash: small in both. */
const BLOCKS = 64

async function withoutRoom(args: string[]) {
  const command = ['-c', `ulimit -f ${BLOCKS}; exec "$@"`, 'sh', process.execPath, CLI, ...args]
  const child = spawn('sh', command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit'), text(child.stdout)])
  return { stderr, code: code as number | null }
}

async function inputs(t: TestContext) {
  const folder = await testFolder(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const items = join(folder, 'items.csv')
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n},"Shoe ${n} ${n % 7} red",${n % 50},${n}`)
  await writeFile(items, ['item,title,price,popularity', ...lines].join('\n'))
  const events = await writeLog(folder, randomLog({ events: 40_000 }), 'csv')
  const log = ['--events', events, '--as-of', `${AS_OF_MS}`]
  return { folder, args: { items: ['--items', items], counts: log, sequences: log }, bundle: ['--bundle', directory] }
}

for (const job of ['items', 'counts', 'sequences'] as const) {
  test(`${job} build on a full disk says so and leaves nothing; what was there stays`, async (t) => {
    const { folder, args, bundle } = await inputs(t)
    const output = join(folder, 'out', 'built')
    const command = [job, 'build', ...bundle, ...args[job], '--output', output]
    const failed = await withoutRoom(command)
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stderr, /EFBIG|file too large/i)
    assert.ok(failed.stderr.includes(output), failed.stderr)
    assert.ok(!existsSync(join(folder, 'out')) || (await readdir(join(folder, 'out'))).length === 0)

    const whole = await prerank(command)
    assert.equal(whole.code, 0, whole.stderr)
    const before = await readFile(output)
    assert.equal((await withoutRoom(command)).code, 1)
    assert.ok((await readFile(output)).equals(before))
    assert.deepEqual(await readdir(join(folder, 'out')), ['built'])
  })
}
