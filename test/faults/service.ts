/** The service as a process of its own over the demo bundle, loaded into a Redis: what the faults happen to. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Catalogue, readCatalogue } from '../../bench/service/workload.ts'
import { prerank } from '../jobs/process.ts'
import { type ServerProcess, startServerProcess } from '../lib/server_process.ts'
import { type Answer, post } from '../lib/tiny_service.ts'

export const DEMO = new URL('../../models/demo', import.meta.url).pathname
const CANDIDATES = 1000
const PATIENCE_MS = 20_000

export type FaultyService = ServerProcess & {
  /** One request of 1,000 candidates; `turn` chooses query and user. */
  ask(turn?: number): Promise<Answer & { took_ms: number }>
  /** Asks until an answer is degraded in this way. */
  answers(degraded: string[]): Promise<Answer>
  store(): Promise<{ ok: boolean; detail: string }>
  metric(pattern: RegExp): Promise<number>
  end(): Promise<void>
}

export async function startFaultyService(environment: Record<string, string>): Promise<FaultyService> {
  const server = await startServerProcess({ BUNDLE_DIR: DEMO, ...environment })
  assert.notEqual(server.url, '', server.log())
  const catalogue = await readCatalogue(DEMO)
  const ask = async (turn = 0) => {
    const start_ms = performance.now()
    const answer = await post(`${server.url}/v1/prerank`, bodyOf(catalogue, turn))
    return { ...answer, took_ms: performance.now() - start_ms }
  }
  const text = async (path: string) => (await fetch(server.url + path)).text()
  return {
    ...server,
    ask,
    async answers(degraded) {
      const end_ms = Date.now() + PATIENCE_MS
      for (;;) {
        const answer = await ask()
        assert.equal(answer.status, 200, answer.body.detail)
        if (`${answer.body.degraded}` === `${degraded}`) return answer
        if (Date.now() > end_ms) assert.deepEqual(answer.body.degraded, degraded)
        await sleep(20)
      }
    },
    store: async () => JSON.parse(await text('/readyz')).store,
    metric: async (pattern) => Number(pattern.exec(await text('/metrics'))?.[1] ?? 0),
    async end() {
      if (server.child.exitCode !== null) return
      server.child.kill('SIGTERM')
      await once(server.child, 'exit')
    },
  }
}

function bodyOf({ keys, queries, users, caller_columns }: Catalogue, turn: number) {
  const candidates = Array.from({ length: CANDIDATES }, (_, at) => Number(keys[(at * 13 + turn) % keys.length]))
  return {
    query: { text: queries[turn % 50] },
    user: { id: users[turn % users.length], country: 'DE' },
    candidates,
    candidate_features: Object.fromEntries(caller_columns.map((name) => [name, candidates.map(() => 1)])),
    top_k: 10,
  }
}

/** `prerank load` of the demo features, as an operator runs it. */
export async function loadDemo(target: { url: string; cluster?: boolean }): Promise<void> {
  const args = ['load', '--bundle', DEMO, '--redis', target.url, '--grace-ms', '0']
  const { code, stderr } = await prerank([...args, ...(target.cluster ? ['--cluster'] : [])])
  assert.equal(code, 0, stderr)
}
