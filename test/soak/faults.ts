/** What is done to the service, one after the other. Each returns when it is over and the service is whole again. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisCommand } from '../lib/redis_process.ts'
import type { OracleThread } from './oracle_thread.ts'
import { type Explained, NOTHING, type Scene } from './scene.ts'
import type { SoakStack } from './stack.ts'

const PATIENCE_MS = 60_000
const HOLD_MS = 3000

/** Answers lack features, and engagements are refused until it is over. */
const STORE_AWAY: Explained = { codes: [], degraded: true, engagements: ['store_unavailable', 'failed'] }

export type FaultOptions = { stack: SoakStack; scene: Scene; oracle: OracleThread }
export type Fault = (options: FaultOptions) => Promise<void>

export const FAULTS: Record<string, Fault> = {
  async 'Redis paused'({ stack, scene }) {
    await storeAway(scene, stack, async () => {
      stack.redis.pause()
      await sleep(HOLD_MS)
      stack.redis.resume()
    })
  },
  async 'Redis slow'({ stack, scene }) {
    await storeAway(scene, stack, async () => {
      for (let time = 0; time < 4; time++) {
        await redisCommand(stack.redis.port, 'CLIENT PAUSE 500 ALL')
        await sleep(HOLD_MS / 4)
      }
    })
  },
  async 'Redis killed, back with its data'({ stack, scene }) {
    await storeAway(scene, stack, () => stack.restartRedis({ empty: false }))
  },
  async 'Redis back empty, loaded again'({ stack, scene, oracle }) {
    scene.hold_engagements = true
    await until(async () => scene.engaging === 0, 'engagements under way')
    scene.losing = true
    await storeAway(scene, stack, async () => {
      await stack.restartRedis({ empty: true })
      await until(async () => (await readyz(stack)).text.includes('nothing is loaded'), 'an empty store')
      await stack.load()
    })
    await oracle.lost()
    scene.losing = false
    scene.hold_engagements = false
  },
  async 'Redis full'({ stack, scene }) {
    scene.explained = { ...NOTHING, engagements: ['store_unavailable', 'failed'] }
    await redisCommand(stack.redis.port, 'CONFIG SET maxmemory 1')
    await sleep(HOLD_MS)
    await redisCommand(stack.redis.port, 'CONFIG SET maxmemory 0')
    scene.explained = NOTHING
  },
  async 'tower worker killed'({ stack }) {
    writeFileSync(stack.death, '')
    await until(async () => !existsSync(stack.death), 'a dead worker')
  },
  async 'items.table truncated'({ stack, scene }) {
    const { name } = servedVersion(stack, scene)
    const table = join(stack.bundles, name, 'items.table')
    scene.explained = { ...NOTHING, codes: ['table_damaged'] }
    truncateSync(table, 4096)
    await until(async () => (await readyz(stack)).status === 503, 'readiness off')
    await sleep(HOLD_MS / 3)
    copyFileSync(join(stack.originals[name], 'items.table'), `${table}.tmp`)
    renameSync(`${table}.tmp`, table)
    await admin(stack, 'reload', { bundle: name })
    scene.explained = NOTHING
  },
  async reload({ stack, scene }) {
    const next = otherVersion(stack, scene)
    await swapTo(scene, next.version, () => admin(stack, 'reload', { bundle: next.name }))
  },
  async rollback({ stack, scene }) {
    const next = otherVersion(stack, scene)
    // The previous one is known once there was a reload.
    const known = await (await fetch(`${stack.server.url}/v1/admin/bundles`)).json()
    const verb = (known as { previous: unknown }).previous === null ? 'reload' : 'rollback'
    await swapTo(scene, next.version, () => admin(stack, verb, verb === 'reload' ? { bundle: next.name } : undefined))
  },
  async 'damaged bundle refused'({ stack }) {
    const { status, text } = await postAdmin(stack, 'reload', { bundle: 'broken' })
    assert.ok(status === 422 && text.includes('bundle_rejected'), `${status} ${text}`)
  },
}

async function storeAway(scene: Scene, stack: SoakStack, body: () => Promise<void>): Promise<void> {
  scene.explained = STORE_AWAY
  await body()
  await until(async () => (await readyz(stack)).text.includes('"ok":true'), 'the store')
  // A breaker closes with the first trial that is answered, and without requests there are no trials.
  await until(() => isWhole(stack), 'an answer that lacks nothing')
  scene.explained = NOTHING
}

async function isWhole({ server }: SoakStack): Promise<boolean> {
  const body = JSON.stringify({ query: { text: 'whole again' }, user: { id: 'soak-probe' }, candidates: [1] })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${server.url}/v1/prerank`, { method: 'POST', headers, body })
  const { degraded } = (await response.json()) as { degraded?: string[] }
  return response.status === 200 && degraded?.length === 0
}

async function swapTo(scene: Scene, version: string, swap: () => Promise<void>): Promise<void> {
  scene.versions = [...scene.versions, version]
  await swap()
  scene.versions = [version]
}

const servedVersion = ({ versions }: SoakStack, scene: Scene) =>
  versions.find(({ version }) => version === scene.versions[0])!
const otherVersion = ({ versions }: SoakStack, scene: Scene) =>
  versions.find(({ version }) => version !== scene.versions[0])!

async function readyz({ server }: SoakStack): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}/readyz`)
  return { status: response.status, text: await response.text() }
}

async function admin(stack: SoakStack, verb: string, body?: object): Promise<void> {
  const { status, text } = await postAdmin(stack, verb, body)
  assert.equal(status, 200, `${verb}: ${text}`)
}

async function postAdmin(
  { server }: SoakStack,
  verb: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  const content = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`${server.url}/v1/admin/${verb}`, { method: 'POST', ...content })
  return { status: response.status, text: await response.text() }
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const end_ms = Date.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (Date.now() > end_ms) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`)
    await sleep(50)
  }
}
