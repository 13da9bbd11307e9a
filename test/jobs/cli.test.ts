import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'
import { AS_OF_MS, randomLog, writeLog } from './log_fixture.ts'
import { prerank } from './process.ts'
import { testFolder } from './support.ts'

const VERBS = [
  ['build'],
  ['items', 'build'],
  ['counts', 'build'],
  ['sequences', 'build'],
  ['load'],
  ['eval'],
  ['inspect'],
  ['doctor'],
]

test('every verb explains itself, with an example', async () => {
  const overview = await prerank(['--help'])
  assert.equal(overview.code, 0)
  for (const [verb] of VERBS) assert.match(overview.stdout, new RegExp(`^  ${verb}\\b`, 'm'))
  for (const verb of VERBS) {
    const { code, stdout, stderr } = await prerank([...verb, '--help'])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.match(stdout, new RegExp(`Examples?:\\n .*prerank ${verb.join(' ')} `, 's'), verb.join(' '))
  }
})

for (const [what, args, expected] of [
  ['an unknown verb', ['bake'], /unknown command 'bake'/],
  ['a missing option', ['counts', 'build'], /required option '-b, --bundle <dir>' not specified/],
  ['a size that is none', ['counts', 'build', '--memory', 'much'], /Expected a size such as 4GiB/],
  [
    'a time that is none',
    ['counts', 'build', '--as-of', 'yesterday'],
    /Expected Unix milliseconds .* or a time such as/,
  ],
  [
    'a time in seconds',
    ['counts', 'build', '--as-of', '1768000000'],
    /Expected Unix milliseconds between 1980 and 2100/,
  ],
  ['a day that no month has', ['counts', 'build', '--as-of', '2026-02-30'], /Expected Unix milliseconds .* or a time/],
  ['a share above one', ['counts', 'build', '--bad-rows-max', '2'], /Expected a share such as 0\.01 or 1%/],
] as [string, string[], RegExp][]) {
  test(`${what} is a usage error: exit code 2 and one line why`, async () => {
    const { code, stdout, stderr } = await prerank(args)
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, expected)
  })
}

test('what cannot be done is one line on stderr and exit code 1', async (t) => {
  const { code, stdout, stderr } = await prerank([
    'counts',
    'build',
    '--bundle',
    join(await testFolder(t), 'nowhere'),
    '--events',
    'x.parquet',
  ])
  assert.deepEqual({ code, stdout, lines: stderr.trim().split('\n').length }, { code: 1, stdout: '', lines: 1 })
  assert.match(stderr, /^prerank: .*nowhere\/manifest\.json: no such file or directory/)
})

test('piped output has no terminal codes; --json is one object on stdout', async (t) => {
  const folder = await testFolder(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const events = await writeLog(folder, randomLog({ events: 500 }), 'parquet')
  const args = ['counts', 'build', '--bundle', directory, '--events', events, '--as-of', '2025-06-01']
  const plain = await prerank(args)
  assert.equal(plain.code, 0, plain.stderr)
  for (const code of ['\u001b', '\r']) assert.ok(!(plain.stdout + plain.stderr).includes(code))
  assert.match(plain.stderr, /^packing all: .* blobs$/m)
  assert.match(plain.stdout, /counts as of 2025-06-01T00:00:00\.000Z\n/)
  const { stdout } = await prerank([...args, '--json'])
  const summary = JSON.parse(stdout)
  assert.equal(stdout.trim().split('\n').length, 1)
  assert.equal(summary.as_of_ms, AS_OF_MS)
  assert.equal(summary.log.rows, 500)
})

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends a build with exit code ${expected} and leaves no half file`, async (t) => {
    const folder = await testFolder(t)
    const { directory } = await writeTinyBundle(join(folder, 'bundle'))
    const events = await writeLog(folder, randomLog({ events: 60_000 }), 'csv')
    const output = join(folder, 'out', 'counts.snapshot')
    const args = ['counts', 'build', '--bundle', directory, '--events', events, '--output', output]
    const whole = await prerank(args)
    assert.equal(whole.code, 0, whole.stderr)
    const stopped = await prerank(args.with(-1, join(folder, 'stopped', 'counts.snapshot')), {
      signal,
      when: /checking rows/,
    })
    assert.equal(stopped.code, expected, stopped.stderr)
    assert.match(stopped.stderr, new RegExp(`prerank: stopped by ${signal}`))
    assert.deepEqual(await readdir(join(folder, 'stopped')), [])
  })
}

test('two builds of one output: the second is told which process is at it', async (t) => {
  const folder = await testFolder(t)
  const { directory } = await writeTinyBundle(join(folder, 'bundle'))
  const events = await writeLog(folder, randomLog({ events: 60_000 }), 'csv')
  const args = [
    'counts',
    'build',
    '--bundle',
    directory,
    '--events',
    events,
    '--output',
    join(folder, 'counts.snapshot'),
  ]
  const [first, second] = await Promise.all([prerank(args), prerank(args)])
  assert.deepEqual([first.code, second.code].sort(), [0, 1])
  assert.match(first.stderr + second.stderr, /counts\.snapshot\.work: process \d+ is building this output/)
})

test('build makes all that a bundle lacks, and inspect and doctor find it', async (t) => {
  const folder = await testFolder(t)
  // Brackets mean something in a glob.
  const { directory, manifest } = await writeTinyBundle(join(folder, 'bundle[1]'))
  const items = join(folder, 'items.csv')
  const lines = Array.from({ length: 100 }, (_, n) => `${n},"Shoe ${n}",${n % 50},${n}`)
  await writeFile(items, ['item,title,price,popularity', ...lines].join('\n'))
  const events = await writeLog(folder, randomLog({ events: 8000 }), 'parquet')
  await writeFile(join(directory, 'features', 'demo.snapshot'), Buffer.from([...Buffer.from('PRSN'), 1, 0, 0, 0]))
  const built = await prerank([
    'build',
    '-b',
    directory,
    '-i',
    items,
    '-e',
    events,
    '--as-of',
    `${AS_OF_MS}`,
    '--sequence-length',
    '5',
  ])
  assert.equal(built.code, 0, built.stderr)
  assert.deepEqual((await readdir(join(directory, 'features'))).sort(), [
    'counts.snapshot',
    'demo.snapshot',
    'sequences.snapshot',
  ])
  const inspected = async (...args: string[]) => (await prerank(['inspect', ...args])).stdout
  assert.match(await inspected(directory), /tiny 1 .*items {6}100\n.*iqp:all .*seq /s)
  assert.match(
    await inspected(directory, '--query', 'RED shoes'),
    /iqp:all:\{red shoes\}.*counts as of 2025-06-01.*iqp:token:\{shoes\}/s,
  )
  assert.match(await inspected(directory, '--user', 'ü7'), /seq:\{ü7\}.*5 engagements, newest first.*item \d+/s)
  assert.match(
    await inspected(join(directory, 'items.table'), '--item', '42'),
    /item 42\n.*vector .*norm.*popularity +42/s,
  )
  assert.match(await inspected(join(directory, 'items.table'), '--item', '4200'), /item 4200: not in the table/)
  const item = JSON.parse(await inspected(join(directory, 'items.table'), '--item', '42', '--json'))
  assert.deepEqual({ key: item.key, scalars: item.scalars }, { key: '42', scalars: { popularity: 42 } })
  const beyond = await prerank(['inspect', directory, '--item', `${2n ** 64n + 1n}`])
  assert.match(beyond.stderr, /item "18446744073709551617": expected a number below 2\^64/)
  const doctor = await prerank(['doctor', '--bundle', directory])
  // The golden requests of the tiny bundle belong to the table that was replaced: doctor has to see that.
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /ok +bundle +tiny 1 .*100 items/)
  assert.match(doctor.stdout, /FAIL golden .*scores are not those of the trainer/)
  assert.match(doctor.stdout, /WARN counts .*2025-06-01/)
  assert.match(doctor.stdout, /forecast .*iB\n.*100,000 +\d+\.\d\d/s)
  assert.equal(JSON.parse((await prerank(['doctor', '--bundle', directory, '--json'])).stdout).checks.length, 6)
  assert.equal(manifest.name, 'tiny')
})
