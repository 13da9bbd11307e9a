/** `bin/prerank.mjs` is what `npx prerank` starts, with whatever Node the machine has. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { callerOf, parseKeys } from '../../src/access/keys.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const BIN = join(ROOT, 'bin/prerank.mjs')
/** Loaded before the file, so that it believes to run in an old Node. */
const OLD = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })",
)}`

const run = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' })

test('the package’s bin is that file, and it passes arguments, output and exit codes on', () => {
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  assert.equal(join(ROOT, bin.prerank), BIN)
  const plain = run(BIN, 'key', 'new', '--name', 'search', '--scope', 'prerank,metrics', '--json')
  const { key, line, scopes } = JSON.parse(plain.stdout)
  assert.deepEqual(scopes, ['prerank', 'metrics'])
  assert.equal(callerOf(parseKeys(line, 'keys'), key)?.name, 'search')
  const wrong = run(BIN, 'key', 'new', '--name', 'search', '--scope', 'everything')
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /Expected some of prerank,engagements,metrics,admin/)
})

test('an old Node hands over to the pinned one, with its exit code', () => {
  const handed = run('--import', OLD, BIN, 'key', 'new', '--name', 'search', '--scope', 'admin')
  assert.match(handed.stdout, /^key {3}pr_[\w-]{43}\nline {2}search:admin:[0-9a-f]{64}\n$/, handed.stderr)
  assert.equal(run('--import', OLD, BIN, 'nothing').status, 2)
})

test('an old Node without the pinned one says what is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bin-'))
  try {
    mkdirSync(join(folder, 'bin'))
    cpSync(BIN, join(folder, 'bin/prerank.mjs'))
    symlinkSync(join(ROOT, 'src'), join(folder, 'src'))
    const { status, stderr } = run('--import', OLD, join(folder, 'bin/prerank.mjs'))
    assert.equal(status, 1)
    assert.match(stderr, /found Node 20\.20\.2 and no pinned one in node_modules, expected Node 24 or newer; `npm ci`/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
