/**
 * What `npm test` runs: every test/**\/*.test.ts, or those named on the command line (`npm test -- test/store`).
 * A Redis server is found (or installed) once, before test files that run side by side would each try to.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { findRedis } from './lib/redis_binary.ts'

const TEST_MS_MAX = 300_000

const root = new URL('..', import.meta.url).pathname
process.chdir(root)
if (!process.env.REDIS_URL) findRedis()

const named = process.argv.slice(2)
const flags = named.filter((argument) => argument.startsWith('-'))
const paths = named.filter((argument) => !argument.startsWith('-'))
const files = (paths.length ? paths : ['test']).flatMap(testFiles)
if (files.length === 0) throw new Error(`no *.test.ts under ${paths.join(', ')}`)

// Most files wait for servers and workers rather than compute, but a core busy with two of them misses deadlines.
const concurrency = Math.max(1, availableParallelism())
const options = [`--test-concurrency=${concurrency}`, `--test-timeout=${TEST_MS_MAX}`, ...flags]
const child = spawn(process.execPath, ['--test', ...options, ...files], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code, signal] = await once(child, 'exit')
process.exitCode = signal ? 1 : code

function testFiles(path: string): string[] {
  return statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`).sort() : [path]
}
