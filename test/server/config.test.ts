import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../src/config.ts'
import { configTable, envExample } from '../../src/config_docs.ts'
import { ConfigSchema } from '../../src/config_schema.ts'

const root = new URL('../../', import.meta.url)

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    for (const problem of error.problems) assert.ok(error.message.includes(problem))
    return error.problems
  }
  return []
}

test('without a variable every setting has its default', () => {
  const config = readConfig({})
  assert.deepEqual(
    [config.port, config.bundle_dir, config.candidates_max, config.redis_url],
    [8080, 'models/demo', 200_000, undefined],
  )
})

test('variables become values of their type', () => {
  const config = readConfig({ PORT: '0', LOG_LEVEL: 'debug', TOWER_BATCH_WAIT_MS: '0.5', REDIS_URL: 'rediss://h:1/2' })
  assert.deepEqual(
    [config.port, config.log_level, config.tower_batch_wait_ms, config.redis_url],
    [0, 'debug', 0.5, 'rediss://h:1/2'],
  )
})

test('an empty variable is as good as none', () => {
  assert.equal(readConfig({ PORT: '', REDIS_URL: '' }).port, 8080)
})

test('every problem is listed at once, with what was found and what was expected', () => {
  assert.deepEqual(
    problemsOf({
      PORT: '70000',
      PRERANK_KERNEL: 'gpu',
      CANDIDATES_MAX: '1e5',
      TOP_K_DEFAULT: '2.5',
      STORE_DEADLINE_MS: '-1',
    }),
    [
      'PORT: found "70000", expected an integer from 0 to 65535',
      'PRERANK_KERNEL: found "gpu", expected one of auto, native, reference',
      'STORE_DEADLINE_MS: found "-1", expected an integer from 1 to 10000',
      'CANDIDATES_MAX: found "1e5", expected an integer from 1 to 4000000',
      'TOP_K_DEFAULT: found "2.5", expected an integer from 1 to 4000000',
    ],
  )
})

test('settings that contradict each other are refused, and a secret is not repeated', () => {
  assert.match(problemsOf({ REDIS_CLUSTER: 'true' })[0], /REDIS_URL/)
  assert.match(problemsOf({ REUSE_PORT: 'true' })[0], /an ADMIN_PORT/)
  assert.match(problemsOf({ REUSE_PORT: 'true', ADMIN_PORT: '0', PORT: '0' })[0], /a PORT/)
  const [problem] = problemsOf({ REDIS_URL: 'http://user:hunter2@host' })
  assert.match(problem, /expected redis:/)
  assert.doesNotMatch(problem, /hunter2/)
})

test('defaults hold their own limits, and every setting says what it is', () => {
  for (const [key, schema] of Object.entries(ConfigSchema.properties)) {
    const { default: byDefault, minimum, maximum, description } = schema as unknown as Record<string, unknown>
    assert.ok(typeof description === 'string' && description.endsWith('.'), key)
    if (typeof byDefault === 'number') assert.ok(byDefault >= Number(minimum) && byDefault <= Number(maximum), key)
  }
})

test('.env.example is what the schema says: `node src/config_docs.ts env`', async () => {
  assert.equal((await readFile(new URL('.env.example', root), 'utf8')).trimEnd(), envExample().trimEnd())
})

test('the table in the README is what the schema says: `node src/config_docs.ts readme`', async () => {
  assert.ok((await readFile(new URL('README.md', root), 'utf8')).includes(configTable()))
})
