import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { createRandom } from '../lib/random.ts'
import { startRedis } from '../lib/redis.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import { AS_OF_MS, randomLog, writeLog } from './log_fixture.ts'
import { prerank } from './process.ts'
import { testFolder } from './support.ts'

const KILLS = 10
const random = createRandom(Date.now() % 2 ** 31)

/** Kills within the time that a whole run takes, sometimes after its end. */
const moment = (whole_ms: number) => ({ signal: 'SIGKILL' as const, after_ms: random.uniform() * whole_ms * 1.05 })

for (const job of ['counts', 'sequences', 'items'] as const) {
  test(`${job} build killed at ten random points: never half a file, and a rerun gives the same bytes`, async (t) => {
    const folder = await testFolder(t)
    const { directory } = await writeTinyBundle(join(folder, 'bundle'))
    const input =
      job === 'items' ? await writeItems(folder) : await writeLog(folder, randomLog({ events: 40_000 }), 'csv')
    const output = join(folder, 'out', 'built')
    const arguments_ = job === 'items' ? ['--items', input] : ['--events', input, '--as-of', `${AS_OF_MS}`]
    const args = [job, 'build', '--bundle', directory, ...arguments_, '--memory', '512MiB', '--output', output]
    const whole = await prerank(args)
    assert.equal(whole.code, 0, whole.stderr)
    const expected = await readFile(output)
    const killed = join(folder, 'killed', 'built')
    const again = args.with(-1, killed)
    for (let kill = 0; kill < KILLS; kill++) {
      await prerank(again, moment(whole.ms))
      if (existsSync(killed)) assert.ok((await readFile(killed)).equals(expected))
    }
    const rerun = await prerank(again)
    assert.equal(rerun.code, 0, rerun.stderr)
    assert.ok((await readFile(killed)).equals(expected))
    assert.deepEqual(await readdir(join(folder, 'killed')), ['built'])
  })
}

test('what a run left that was killed while it took the lock is cleared away', async (t) => {
  const folder = await testFolder(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const output = join(folder, 'built')
  const dead = spawnSync(process.execPath, ['--version']).pid
  await writeFile(`${output}.work.pid.${dead}`, `${dead}\n`)
  const { code, stderr } = await prerank([
    ...['items', 'build', '--bundle', directory, '--items', await writeItems(folder), '--output', output],
  ])
  assert.equal(code, 0, stderr)
  assert.deepEqual((await readdir(folder)).sort(), ['built', 'bundle', 'items.csv'])
})

async function writeItems(folder: string): Promise<string> {
  const lines = Array.from({ length: 30_000 }, (_, n) => `${n},"Shoe ${n} ${n % 7} red",${n % 50},${n}`)
  const path = join(folder, 'items.csv')
  await writeFile(path, ['item,title,price,popularity', ...lines].join('\n'))
  return path
}

test('load killed at ten random points: what is served is one whole version, and a rerun completes', async (t) => {
  const folder = await testFolder(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const events = await writeLog(folder, randomLog({ events: 30_000 }), 'parquet')
  const build = (name: string, as_of_ms: number) =>
    prerank([
      'counts',
      'build',
      '--bundle',
      directory,
      '--events',
      events,
      '--as-of',
      `${as_of_ms}`,
      '--output',
      join(folder, name),
    ])
  for (const [name, as_of_ms] of [
    ['first', AS_OF_MS - 86_400_000],
    ['second', AS_OF_MS],
  ] as const) {
    assert.equal((await build(name, as_of_ms)).code, 0)
  }
  const server = await startRedis({ own: true })
  const client = new Redis(server.url)
  t.after(async () => {
    client.disconnect()
    await server.stop()
  })
  const load = (name: string) => [
    'load',
    '--bundle',
    directory,
    '--redis',
    server.url,
    '--snapshot',
    join(folder, name),
    '--name',
    name,
    '--grace-ms',
    '0',
    '--verify',
  ]
  const whole = await prerank(load('first'))
  assert.equal(whole.code, 0, whole.stderr)
  const keys = async (version: string) => (await client.keys(`pr:${version}:*`)).length
  const first_keys = await keys('first')
  for (let kill = 0; kill < KILLS; kill++) {
    await prerank(load('second'), moment(whole.ms))
    // The lock of a killed load expires by itself; the test does not wait for it.
    await client.del('pr:loading')
    const version = await client.get('pr:current')
    if (version === 'first') assert.equal(await keys('first'), first_keys)
    else assert.equal(version, 'second')
  }
  const rerun = await prerank(load('second'))
  assert.equal(rerun.code, 0, rerun.stderr)
  assert.equal(await client.get('pr:current'), 'second')
  assert.equal(await keys('first'), 0)
  assert.ok((await keys('second')) > 100)
})
