/** What the soak runs against: a Redis that keeps its data, the service in a process of its own, its bundles. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prerank } from '../jobs/process.ts'
import { afterUs } from '../lib/after_us.ts'
import { startRedis, type TestRedis } from '../lib/redis.ts'
import { type ServerProcess, startServerProcess } from '../lib/server_process.ts'
import { copyDemo, DEMO, type Version, writeBroken, writeSecond } from './bundles.ts'

export type SoakStack = {
  redis: TestRedis
  server: ServerProcess
  /** The directory of bundles that the service knows: a, b, broken. */
  bundles: string
  /** The same bundles where nobody disturbs them. */
  originals: Record<string, string>
  versions: Version[]
  /** The tower worker dies on its next batch once this file exists. */
  death: string
  /** `prerank load`, as an operator runs it. */
  load(): Promise<void>
  /** Kills Redis; it comes back with all it was told, or with nothing. */
  restartRedis(options: { empty: boolean }): Promise<void>
  stop(): Promise<void>
}

export async function startStack(): Promise<SoakStack> {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-soak-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  const data = join(folder, 'redis')
  const bundles = join(folder, 'bundles')
  mkdirSync(data)
  const originals = { a: join(folder, 'a'), b: join(folder, 'b') }
  const versions = [copyDemo(join(bundles, 'a')), writeSecond(join(bundles, 'b'))]
  copyDemo(originals.a)
  writeSecond(originals.b)
  writeBroken(join(bundles, 'broken'))
  symlinkSync('a', join(bundles, 'current'))
  // Written before it is acknowledged, so that it outlives a kill; the machine does not fail here, so nothing is synced.
  const redis = await startRedis({ args: ['--dir', data, '--appendonly', 'yes', '--appendfsync', 'no'] })
  const load = async () => {
    const { code, stderr } = await prerank(['load', '--bundle', DEMO, '--redis', redis.url, '--grace-ms', '0'])
    assert.equal(code, 0, stderr)
  }
  await load()
  const death = join(folder, 'death')
  const server = await startServerProcess({
    BUNDLE_DIR: bundles,
    BUNDLE_POLL_MS: '0',
    REDIS_URL: redis.url,
    TOWER_PRECISION: 'float32',
    TOWER_DEATH: death,
    NODE_OPTIONS: `--import ${new URL('../fixtures/tower/mortal_threads.ts', import.meta.url).pathname}`,
    // Time is not what is checked here: on a machine that does other things too, no answer may be late by itself.
    STORE_DEADLINE_MS: '300',
  })
  assert.notEqual(server.url, '', server.log())
  return {
    ...{ redis, server, bundles, originals, versions, death, load },
    async restartRedis({ empty }) {
      await redis.kill()
      if (empty) rmSync(data, { recursive: true })
      mkdirSync(data, { recursive: true })
      await redis.restart()
    },
    async stop() {
      server.child.kill('SIGKILL')
      await server.exited
      await redis.stop()
      removeFolder()
    },
  }
}
