/** Bundles that must not take over: each is refused with what is wrong with it, and the old one keeps serving. */
import assert from 'node:assert/strict'
import { appendFile, copyFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Service } from '../../src/server.ts'
import { type Asked, admin, bundlesOf, createJudge, createTwoBundles, startOver } from '../lib/bundles.ts'

let bundles: Awaited<ReturnType<typeof createTwoBundles>>
let service: Service
let ask: () => Promise<Asked>
before(async () => {
  bundles = await createTwoBundles()
  service = await startOver(bundles.root)
  const judge = await createJudge([bundles.v1])
  ask = () => judge(service.url)
})
after(async () => {
  await service.stop()
  await bundles.remove()
})

const path = (...parts: string[]) => join(bundles.root, ...parts)

/** A copy of v2, damaged; what the refusal must say. */
const DAMAGES: Record<string, { damage(directory: string): Promise<void>; reason: RegExp }> = {
  'a missing tower': {
    damage: (directory) => rm(join(directory, 'query_tower.onnx')),
    reason: /query_tower\.onnx: found ENOENT/,
  },
  'a tower with another checksum': {
    damage: (directory) => appendFile(join(directory, 'query_tower.onnx'), 'x'),
    reason: /query_tower\.onnx: found SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
  },
  'a manifest that was changed': {
    damage: (directory) => edit(join(directory, 'manifest.json'), (text) => text.replace('"prior":10', '"prior":11')),
    reason: /fingerprint: found [0-9a-f]{64}, expected [0-9a-f]{64}/,
  },
  'a manifest that is no JSON': {
    damage: (directory) => edit(join(directory, 'manifest.json'), (text) => text.slice(0, -20)),
    reason: /manifest\.json: not JSON/,
  },
  'no manifest': {
    damage: (directory) => rm(join(directory, 'manifest.json')),
    reason: /ENOENT.*manifest\.json/,
  },
  'the table of another bundle': {
    damage: (directory) => copyFile(path('v1', 'items.table'), join(directory, 'items.table')),
    reason: /items\.table: fingerprint: found [0-9a-f]{64}, expected [0-9a-f]{64} as in the manifest/,
  },
  'a table that was cut off': {
    damage: (directory) => truncate(join(directory, 'items.table'), 5000),
    reason: /items\.table/,
  },
  'a table with a flipped bit': {
    damage: (directory) => flip(join(directory, 'items.table')),
    reason: /items\.table: section \w+ is damaged/,
  },
  'no table': {
    damage: (directory) => rm(join(directory, 'items.table')),
    reason: /items\.table/,
  },
  'a damaged feature snapshot': {
    damage: (directory) => writeFile(join(directory, 'features', 'demo.snapshot'), 'nothing of the kind'),
    reason: /demo\.snapshot: found magic/,
  },
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const changed = change(text)
  assert.notEqual(changed, text)
  await writeFile(file, changed)
}

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file)
  bytes[bytes.length - 100] ^= 1
  await writeFile(file, bytes)
}

async function assertRefused(bundle: string, reason: RegExp): Promise<void> {
  const { status, body } = await admin(service.url, 'reload', { bundle })
  assert.deepEqual([status, body.code], [422, 'bundle_rejected'])
  assert.match(body.detail, reason)
  const { serving, last_reload } = await bundlesOf(service.url)
  assert.equal(serving?.version, 'v1')
  assert.equal(last_reload?.outcome, 'rejected')
  assert.match(last_reload?.reason ?? '', reason)
  const answer = await ask()
  assert.ok(answer.is_right, answer.detail)
}

for (const [name, { damage, reason }] of Object.entries(DAMAGES)) {
  test(`${name} is refused, and the old bundle keeps serving`, async () => {
    const bundle = name.replaceAll(' ', '-')
    await cp(path('v2'), path(bundle), { recursive: true })
    await damage(path(bundle))
    await assertRefused(bundle, reason)
  })
}

test('a bundle whose golden requests come out otherwise is refused with the difference', async () => {
  await bundles.add('wrong', { golden_error: 0.01 })
  await assertRefused('wrong', /scores are not those of the trainer.*worst difference 1\.00e-2/)
})

test('without a bundle before there is nothing to roll back to', async () => {
  const { status, body } = await admin(service.url, 'rollback')
  assert.deepEqual([status, body.code], [409, 'no_previous_bundle'])
})

test('a previous bundle that is gone, or not the one that served, is not rolled back to', async () => {
  await bundles.add('first')
  await admin(service.url, 'reload', { bundle: 'first' })
  await admin(service.url, 'reload', { bundle: 'v1' })
  await rm(path('first'), { recursive: true })
  const gone = await admin(service.url, 'rollback')
  assert.deepEqual([gone.status, gone.body.code], [422, 'bundle_rejected'])
  await cp(path('v2'), path('first'), { recursive: true })
  const other = await admin(service.url, 'rollback')
  assert.match(other.body.detail, /found fingerprint [0-9a-f]{64}, expected [0-9a-f]{64}, that of the previous bundle/)
  assert.ok((await ask()).is_right)
})
