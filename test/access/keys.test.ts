import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { callerOf, createKey, KeyFileError, parseKeys } from '../../src/access/keys.ts'

const HASH = createHash('sha256').update('a key').digest('hex')

const problemOf = (text: string) => {
  try {
    parseKeys(text, 'keys')
  } catch (error) {
    assert.ok(error instanceof KeyFileError)
    return error.message
  }
  return null
}

test('a line is a name, its scopes and the SHA-256 of the key', () => {
  const entries = parseKeys(`# comment\n\n search:prerank,engagements:${HASH} \r\n`, 'keys')
  assert.deepEqual(entries, [{ name: 'search', scopes: ['prerank', 'engagements'], hash: Buffer.from(HASH, 'hex') }])
  assert.equal(callerOf(entries, 'a key')?.name, 'search')
  assert.equal(callerOf(entries, 'a kez'), null)
})

test('a new key opens with its own line and no other; keys of one name work side by side', () => {
  const made = ['a', 'b', 'b'].map((name) => createKey({ name, scopes: ['admin', 'metrics'] }))
  const entries = parseKeys(made.map(({ line }) => line).join('\n'), 'keys')
  assert.deepEqual(
    made.map(({ key }) => callerOf(entries, key)?.name),
    ['a', 'b', 'b'],
  )
  assert.equal(new Set(made.map(({ key }) => key)).size, 3)
  for (const { key } of made) assert.match(key, /^pr_[\w-]{43}$/)
})

test('wrong lines are refused with their place, and never repeated', () => {
  const wrong = [
    `pr_secret-secret`,
    `search:prerank:pr_secret`,
    `search:secret:${HASH}`,
    `search::${HASH}`,
    `search:prerank,:${HASH}`,
    `:prerank:${HASH}`,
    `secret name:prerank:${HASH}`,
    `search:prerank:${HASH.toUpperCase()}secret`,
    `search:prerank:${HASH}:secret`,
  ]
  for (const line of wrong) {
    const problem = problemOf(`# first\n${line}`)
    assert.match(problem!, /^keys:2: found something else, expected name:scope/, line)
    assert.doesNotMatch(problem!, /secret/, line)
  }
})

test('a file without a key would lock everyone out: it is refused, and so is one with too many', () => {
  assert.match(problemOf('# none\n')!, /^keys: found no key/)
  assert.match(problemOf(`a:admin:${HASH}\n`.repeat(1001))!, /found 1001 keys, expected at most 1000/)
})
