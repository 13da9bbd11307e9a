/**
 * What a request costs the service beside what it costs a bare echo of the same bytes, and beside work that none of our code
 * does: parsing and printing the same JSON, touching the same memory. In processor time, which other work on the machine moves
 * far less than time on the clock; the sides take turns.
 */
import { Agent } from 'node:http'
import { join } from 'node:path'
import { freePort } from '../../test/lib/redis_process.ts'
import { spreadOf } from '../lib/statistics.ts'
import { startProcess } from '../peers/process.ts'
import { SIDES } from '../peers/sides.ts'
import { cpuBetween, cpuTimes } from '../service/cpu_time.ts'
import { enlargeBundle } from '../service/enlarge.ts'
import { closedLoop } from '../service/generator.ts'
import { post } from '../service/http_client.ts'
import { UNLIMITED } from '../service/unlimited.ts'
import { type Catalogue, drawBody, FORMATS, type Format, readCatalogue } from '../service/workload.ts'
import type { Ratio } from './compare.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const ITEMS = 200_000
const TOP_K = 1000
const BODIES = 8
/** One at a time: how many requests share a run of the tower would depend on timing. */
const CONNECTIONS = 1
const ROUNDS = 25
/** V8 has compiled what is hot by then. */
const WARM_REQUESTS = 400

type Case = { format: Format; candidates: number; requests: number; over: 'echo' | 'json' }

/** Few requests at a time, so that what disturbs one side for a moment meets both in the next round. */
const CASES: Case[] = [
  { format: 'json', candidates: 1_000, requests: 20, over: 'echo' },
  { format: 'cbor', candidates: 1_000, requests: 20, over: 'echo' },
  { format: 'json', candidates: 10_000, requests: 8, over: 'echo' },
  { format: 'json', candidates: 100_000, requests: 3, over: 'json' },
  { format: 'cbor', candidates: 100_000, requests: 4, over: 'json' },
  { format: 'cbor', candidates: 100_000, requests: 4, over: 'echo' },
]

type Server = { url: string; pid: number; stop(): Promise<void> }

export async function serviceRatios(folder: string): Promise<Ratio[]> {
  const bundle = join(folder, 'bundle')
  enlargeBundle({ bundle: DEMO, into: bundle, items: ITEMS })
  const servers: Server[] = []
  try {
    servers.push(await startOurs(bundle))
    servers.push(await startEcho())
    const [ours, echo] = servers
    const catalogue = await readCatalogue(bundle)
    const ratios: Ratio[] = []
    await warm(servers, catalogue)
    for (const one of CASES) {
      const bodies = Array.from({ length: BODIES }, (_, seed) => drawBody(catalogue, { ...one, top_k: TOP_K, seed }))
      const own = () => cpuPerRequest(ours, { ...one, bodies })
      const yardstick =
        one.over === 'echo' ? () => cpuPerRequest(echo, { ...one, bodies }) : async () => jsonCpu(bodies)
      const value = await ratioInTurn(own, yardstick)
      const than = one.over === 'echo' ? 'echo' : 'parsing and printing the JSON'
      const what = `CPU per request, ${than} / service, N = ${one.candidates / 1000}k, ${one.format}`
      ratios.push({ name: `service_${one.format}_${one.candidates / 1000}k_over_${one.over}`, what, value })
    }
    return ratios
  } finally {
    for (const server of servers) await server.stop()
  }
}

async function warm(servers: Server[], catalogue: Catalogue): Promise<void> {
  const bodies = [drawBody(catalogue, { candidates: 1_000, top_k: TOP_K, seed: 0 })]
  for (const server of servers) {
    for (const format of ['json', 'cbor'] as const)
      await cpuPerRequest(server, { format, requests: WARM_REQUESTS, bodies })
  }
}

/** With the bundle's own features: a Redis would be one more thing to wait for. */
async function startOurs(bundle: string): Promise<Server> {
  const port = await freePort()
  const settings = { HOST: '127.0.0.1', PORT: `${port}`, LOG_LEVEL: 'warn', SHUTDOWN_DELAY_MS: '0' }
  const environment = { ...settings, ...UNLIMITED, BUNDLE_DIR: bundle }
  return startProcess({ command: process.execPath, args: ['src/server.ts'], environment, ready_path: '/readyz' }, port)
}

async function startEcho(): Promise<Server> {
  const echo = SIDES.find(({ name }) => name === 'echo')
  if (!echo) throw new Error('the peers have no echo')
  const port = await freePort()
  return startProcess(echo.command({ bundle: '', redis_url: '', python: '', graph: '', port }), port)
}

/** Yardstick / ours, taken in turn; of each the lower quartile over the rounds, as other work only adds to processor time. */
async function ratioInTurn(ours: () => Promise<number>, yardstick: () => Promise<number>): Promise<number> {
  const [own, other]: number[][] = [[], []]
  for (let round = -1; round < ROUNDS; round++) {
    const pair = [await ours(), await yardstick()]
    if (round < 0) continue
    own.push(pair[0])
    other.push(pair[1])
  }
  return spreadOf(other).low / spreadOf(own).low
}

type Load = Pick<Case, 'format' | 'requests'> & { bodies: Record<Format, Buffer>[] }

async function cpuPerRequest({ url, pid }: Server, { format, requests, bodies }: Load): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const target = { url: new URL('/v1/prerank', url), agent, content_type: FORMATS[format] }
  const before = cpuTimes(pid)
  const sample = await closedLoop(
    (index, from_ms) => post({ ...target, body: bodies[index % bodies.length][format], from_ms }),
    { connections: CONNECTIONS, duration_ms: 0, requests_min: requests },
  )
  const spent_ms = Object.values(cpuBetween(before, cpuTimes(pid))).reduce((sum, ms) => sum + ms, 0)
  agent.destroy()
  if (sample.failures.length > 0) throw new Error(`${url}: ${sample.failures[0]}`)
  return spent_ms / sample.answers.length
}

/** Of this process, per body. */
function jsonCpu(bodies: Record<Format, Buffer>[]): number {
  const before = process.cpuUsage()
  let bytes = 0
  for (const { json } of bodies) {
    const { candidates } = JSON.parse(json.toString())
    bytes += JSON.stringify({ ids: candidates.slice(0, TOP_K) }).length
  }
  const { user, system } = process.cpuUsage(before)
  if (bytes === 0) throw new Error('the bodies have no candidates')
  return (user + system) / 1000 / bodies.length
}
