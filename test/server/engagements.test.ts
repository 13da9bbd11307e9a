/** Two server processes on one Redis: what one of them is told, the other one knows. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeCountBlob } from '../../src/features/counts.ts'
import type { SnapshotRecord } from '../../src/store/snapshot.ts'
import { engage, eventBody } from '../lib/engagements.ts'
import { startRedis, startRedisCluster } from '../lib/redis.ts'
import { type ServerProcess, startServerProcess } from '../lib/server_process.ts'
import { type TinyBundle, writeTinyBundle } from '../lib/tiny_bundle.ts'
import { post } from '../lib/tiny_service.ts'
import { fillCluster, fillRedis, PREFIX } from '../store/fill.ts'

const HOUR_MS = 3_600_000
const query = { text: 'red shoes' }

let directory: string
let bundle: TinyBundle
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prerank-two-'))
  bundle = await writeTinyBundle(directory)
})
after(() => rm(directory, { recursive: true }))

type Redis = {
  environment: Record<string, string>
  fill(records: SnapshotRecord[], version: string): Promise<void>
  stop(): Promise<void>
}

async function standalone(): Promise<Redis> {
  const { url, stop } = await startRedis()
  return { environment: { REDIS_URL: url }, fill: (records, version) => fillRedis(url, records, version), stop }
}

async function cluster(): Promise<Redis> {
  const { urls, stop } = await startRedisCluster()
  const environment = { REDIS_URL: urls.join(','), REDIS_CLUSTER: 'true' }
  return { environment, fill: (records, version) => fillCluster(urls, records, version), stop }
}

const batchCounts = () => bundle.counts.get('iqp:all:{red shoes}')!
/** One that the batch lists. */
const listedItem = () => Number(batchCounts().items[0].key)

for (const [name, open] of Object.entries({ redis: standalone, 'redis cluster': cluster })) {
  describe(`two servers on one ${name}`, () => {
    let redis: Redis
    let servers: ServerProcess[]
    before(async () => {
      redis = await open()
      const records = [...bundle.records].map(([key, value]) => ({ key, value }))
      await redis.fill(records, 'v1')
      const environment = {
        ...redis.environment,
        REDIS_PREFIX: PREFIX,
        BUNDLE_DIR: directory,
        STORE_DEADLINE_MS: '5000',
      }
      servers = await Promise.all(
        [1, 2].map(() => startServerProcess({ ...environment, ENGAGEMENT_DEADLINE_MS: '10000' })),
      )
    })
    after(async () => {
      for (const { child, exited } of servers) {
        child.kill('SIGKILL')
        await exited
      }
      await redis.stop()
    })

    const ask = async (server: ServerProcess, user: object) => {
      const request = { query, user, candidates: [listedItem(), 15, 22, 29], explain: { ids: [listedItem()] } }
      const { status, body } = await post(`${server.url}/v1/prerank`, request)
      assert.deepEqual([status, body.degraded], [200, []])
      return { scores: Array.from(body.scores), clicks: body.explain[0].features!['cross.click'].raw! }
    }
    /** What the batch counted, and `live` clicks on the item since. */
    const expectedClicks = (live: number) => {
      const { totals, items } = batchCounts()
      return (items[0].counts[0] + live) / (totals[0] + live + 10)
    }
    const assertClicks = (found: number, live: number) =>
      assert.ok(Math.abs(found / expectedClicks(live) - 1) < 1e-6, `${found}, expected ${expectedClicks(live)}`)

    test('what one is told the other knows at once, though its count blobs are cached', async () => {
      const [one, other] = servers
      const user = { id: 'shared', country: 'DE' }
      const before = await ask(other, user)
      assertClicks(before.clicks, 0)
      for (let told = 1; told <= 5; told++) {
        const event = eventBody({ user, query, item: listedItem(), time: Date.now() - told * HOUR_MS })
        const { outcomes } = await engage(one, [event])
        assert.deepEqual(outcomes, [told === 1 ? 'applied' : 'out_of_order'])
        const [here, there] = [await ask(one, user), await ask(other, user)]
        assertClicks(there.clicks, told)
        assert.notDeepEqual(there.scores, before.scores)
        for (const [rank, score] of there.scores.entries()) assert.ok(Math.abs(score - here.scores[rank]) < 1e-3)
      }
    })

    test('the same events sent to both at once are applied once', async () => {
      const user = { id: 'racing' }
      const events = Array.from({ length: 60 }, (_, index) =>
        eventBody({ user, item: 8, time: Date.now() - index * 1000 }),
      )
      const answers = await Promise.all(servers.flatMap((server) => [engage(server, events), engage(server, events)]))
      for (const index of events.keys()) {
        const applied = answers.filter(({ outcomes }) => outcomes[index] !== 'duplicate')
        assert.equal(applied.length, 1, `event ${index}`)
      }
    })

    test('a new batch build takes over what it contains: nothing counts twice', async () => {
      const { totals, items } = batchCounts()
      const live = 5
      const clicks = items.map(({ counts }, index) => counts[0] + (index === 0 ? live : 0))
      const value = encodeCountBlob({
        columns: ['click_90d', 'save_1y'],
        as_of_ms: Date.now(),
        totals: Float64Array.of(totals[0] + live, totals[1]),
        keys: BigUint64Array.from(items, ({ key }) => key),
        counts: Uint32Array.from([...clicks, ...items.map((item) => item.counts[1])]),
      })
      await redis.fill([{ key: 'iqp:all:{red shoes}', value }], 'v2')
      const end_ms = Date.now() + 10_000
      while (Date.now() < end_ms) {
        const versions = await Promise.all(
          servers.map(
            async ({ url }) => (await (await fetch(`${url}/readyz`)).json()) as { store: { version: string } },
          ),
        )
        if (versions.every(({ store }) => store.version === 'v2')) break
        await sleep(50)
      }
      for (const server of servers) {
        assertClicks((await ask(server, { id: 'shared', country: 'DE' })).clicks, live)
      }
    })
  })
}
