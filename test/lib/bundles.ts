/** A directory of tiny bundles with `current`, the service over it, and the oracle of each bundle. */
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import type { BundlesStatus } from '../../src/reload/status.ts'
import { type Service, startService } from '../../src/server.ts'
import { type TinyBundle, writeTinyBundle } from './tiny_bundle.ts'
import type { TinyOptions } from './tiny_manifest.ts'
import { type OracleRequest, tinyOracle } from './tiny_oracle.ts'
import { post } from './tiny_service.ts'

export type Bundles = {
  root: string
  /** Every option that differs gives other scores, except the version. */
  add(name: string, options?: TinyOptions): Promise<TinyBundle>
  /** As `ln -sfn` does where it is atomic: a new link takes the old one's name. */
  point(name: string): Promise<void>
  /** `current` as a file of one line. */
  write(line: string): Promise<void>
  remove(): Promise<void>
}

export async function createBundles(): Promise<Bundles> {
  const root = await mkdtemp(join(tmpdir(), 'prerank-bundles-'))
  const [pointer, next] = [join(root, 'current'), join(root, '.next')]
  return {
    root,
    add: (name, options) => writeTinyBundle(join(root, name), { version: name, ...options }),
    async point(name) {
      await symlink(name, next)
      await rename(next, pointer)
    },
    async write(line) {
      await writeFile(next, line)
      await rename(next, pointer)
    },
    remove: () => rm(root, { recursive: true }),
  }
}

/** Two bundles that score differently, `v1` served. */
export async function createTwoBundles(): Promise<Bundles & { v1: TinyBundle; v2: TinyBundle }> {
  const bundles = await createBundles()
  const v1 = await bundles.add('v1')
  const v2 = await bundles.add('v2', { fusion: 'mlp' })
  await bundles.point('v1')
  return { ...bundles, v1, v2 }
}

/** The service in this process; it looks at `current` only when it is told to, unless the environment says otherwise. */
export async function startOver(root: string, environment: Record<string, string> = {}): Promise<Service> {
  const config = readConfig({
    BUNDLE_DIR: root,
    BUNDLE_POLL_MS: '0',
    HOST: '127.0.0.1',
    PORT: '0',
    SHUTDOWN_DELAY_MS: '0',
    STORE_DEADLINE_MS: '2000',
    ...environment,
  })
  const service = await startService({ config, logger: pino({ level: 'silent' }) })
  await service.ready
  return service
}

export type AdminAnswer = { status: number; body: BundlesStatus & { code: string; detail: string; field: string } }

export async function admin(url: string, action: 'reload' | 'rollback', body?: unknown): Promise<AdminAnswer> {
  const content = body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) }
  const response = await fetch(`${url}/v1/admin/${action}`, { method: 'POST', ...content })
  return { status: response.status, body: (await response.json()) as AdminAnswer['body'] }
}

const JSON_TYPE = { 'content-type': 'application/json' }

export async function bundlesOf(url: string): Promise<BundlesStatus> {
  return (await (await fetch(`${url}/v1/admin/bundles`)).json()) as BundlesStatus
}

const SCORE_DIFFERENCE_MAX = 1e-4
const REQUEST: OracleRequest = { query: { text: 'red shoes' }, candidates: [1, 8, 15, 22, 29, 36, 43] }

export type Asked = { status: number; version: string; fingerprint: string; is_right: boolean; detail: string }

/** Asks, and judges the answer's scores by the oracle of the very bundle that the answer names. */
export async function createJudge(bundles: TinyBundle[]): Promise<(url: string) => Promise<Asked>> {
  const expected = new Map<string, { ids: string[]; scores: number[] }>()
  for (const bundle of bundles) {
    const ranking = await (await tinyOracle(bundle))(REQUEST, Date.now())
    const [ids, scores] = [ranking.map(({ id }) => id), ranking.map(({ score }) => score)]
    expected.set(bundle.manifest.fingerprint, { ids, scores })
  }
  return async (url) => {
    const { status, body } = await post(`${url}/v1/prerank`, REQUEST)
    if (status !== 200) return { status, version: '', fingerprint: '', is_right: false, detail: body.detail }
    const { version, fingerprint } = body.model
    const wanted = expected.get(fingerprint)
    const close = (score: number, place: number) => Math.abs(score - body.scores[place]) < SCORE_DIFFERENCE_MAX
    const is_right =
      wanted !== undefined &&
      Array.from(body.ids, String).join() === wanted.ids.join() &&
      wanted.scores.length === body.scores.length &&
      wanted.scores.every(close)
    return { status, version, fingerprint, is_right, detail: JSON.stringify(body).slice(0, 400) }
  }
}
