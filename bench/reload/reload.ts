/**
 * Steady load over many reloads: does an answer fail, or mix two bundles, what do reloads cost the tail, does memory grow?
 * Windows of reloading (from the request to some time after the swap) and windows without take turns in one run, so
 * that whatever else the machine does meets both.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterUs } from '../../test/lib/after_us.ts'
import { startRedis } from '../../test/lib/redis.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { formatTable } from '../lib/table.ts'
import { closedLoop } from '../service/generator.ts'
import type { Answer } from '../service/http_client.ts'
import { createRawClient } from '../service/raw_client.ts'
import { loadFeatures, type Service, startService } from '../service/stack.ts'
import { percentile } from '../service/summary.ts'
import { drawBody, FORMATS, readCatalogue } from '../service/workload.ts'
import { makeBundles, NAMES } from './bundles.ts'
import { createJudge, decodeAnswer, type Ranked, type Verdict } from './judge.ts'
import { type Memory, memoryOf } from './memory.ts'
import { type Asked, startSteadyLoad } from './steady_load.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const CANDIDATES = 10_000
const TOP_K = 1000
const BODIES = 16
const CONNECTIONS = 8
const SATURATION_MS = 4000
const SHARE_OF_SATURATION = 0.5
/** A window ends that long after the swap; one without a reload is as long, but not shorter than this. */
const AFTER_SWAP_MS = 250
const STEADY_MS_MIN = 500
/** Memory has settled by then. */
const FIRST_COUNTED = 5
const PROBLEMS_SHOWN = 5
const LEARN_TRIES = 100

type Window = { start_ms: number; end_ms: number; reload_ms: number }
type Tail = { requests: number; failed: number; p50_ms: number; p99_ms: number; max_ms: number }

export type ReloadBenchReport = {
  machine: Machine
  items: number
  reloads: number
  rate_per_s: number
  failed: number
  wrong: number
  degraded: number
  steady: Tail
  reloading: Tail
  p99_ratio: number
  reload_ms: { median: number; max: number }
  memory_first: Memory
  memory_last: Memory
  rss_growth_percent: number
}

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<ReloadBenchReport> {
  const say = (line: string) => json || console.log(line)
  const [items, reloads] = quick ? [100_000, 10] : [200_000, 50]
  const machine = describeMachine()
  const root = mkdtempSync(join(tmpdir(), 'prerank-bench-'))
  const removeFolder = afterUs(`rm -rf "${root}"`)
  makeBundles({ bundle: realpathSync(DEMO), root, items })
  const bundle = join(root, NAMES[0])
  const redis = await startRedis({ own: true })
  let stack: Service | undefined
  try {
    await loadFeatures({ bundle, redis_url: redis.url })
    stack = await startService({ BUNDLE_DIR: root, REDIS_URL: redis.url })
    pinToLastCore()
    const ask = await prepare({ url: stack.url, bundle })
    const saturated = await closedLoop(ask.post, {
      connections: CONNECTIONS,
      duration_ms: SATURATION_MS,
      requests_min: 1,
    })
    const good = saturated.answers.filter(({ status }) => status === 200).length
    const rate_per_s = SHARE_OF_SATURATION * ((1000 * good) / saturated.elapsed_ms)
    say(`${items} items, ${CANDIDATES} candidates, CBOR, ${rate_per_s.toFixed(0)} requests per s, ${reloads} reloads`)
    const load = startSteadyLoad(ask.judged, { rate_per_s })
    await sleep(2000)
    const begin_ms = performance.now()
    const { windows, memory } = await reloadOften({ url: stack.url, pid: stack.pid, reloads })
    const end_ms = performance.now()
    await load.stop()
    const problems = [...new Set(load.asked.flatMap(({ failed, verdict }) => failed ?? verdict?.what ?? []))]
    for (const problem of problems.slice(0, PROBLEMS_SHOWN)) say(problem)
    const asked = load.asked.filter(({ due_ms }) => due_ms >= begin_ms && due_ms < end_ms)
    const report = summarise({ machine, all: load.asked, asked, windows, memory, items, rate_per_s })
    say(describe(report))
    return report
  } finally {
    await stack?.stop()
    await redis.stop()
    removeFolder()
  }
}

/** The load generator is this process. What it has started by then runs where it likes; what it starts later is pinned too. */
function pinToLastCore(): void {
  spawnSync('taskset', ['-a', '-c', '-p', `${availableParallelism() - 1}`, `${process.pid}`])
}

/** Apart from what lives on: a catalogue that closures keep is more to mark in every collection of this process. */
async function drawBodies(bundle: string): Promise<Buffer[]> {
  const catalogue = await readCatalogue(bundle)
  return Array.from(
    { length: BODIES },
    (_, seed) => drawBody(catalogue, { candidates: CANDIDATES, top_k: TOP_K, seed }).cbor,
  )
}

/** Learns what each bundle answers alone; leaves the first one serving. */
async function prepare({ url, bundle }: { url: string; bundle: string }) {
  const bodies = await drawBodies(bundle)
  const client = createRawClient(new URL('/v1/prerank', url), {
    content_type: FORMATS.cbor,
    connections_max: Number.POSITIVE_INFINITY,
    keeps_bodies: true,
  })
  const send = (index: number, from_ms: number) => client.send([bodies[index % BODIES]], from_ms)
  const judge = createJudge()
  for (const name of NAMES.toReversed()) {
    await reload(url, name)
    for (const index of bodies.keys()) judge.learn(index, await wholeAnswer(() => send(index, 0)))
  }
  return {
    post: send,
    async judged(index: number, due_ms: number): Promise<Verdict | null> {
      const { status, body } = await send(index, due_ms)
      if (status !== 200) throw new Error(`${status} ${body.toString().slice(0, 200)}`)
      return judge.problemOf(index % BODIES, decodeAnswer(body))
    },
  }
}

/** Without what the store was late with there would be nothing to compare with. */
async function wholeAnswer(send: () => Promise<Answer>): Promise<Ranked> {
  for (let tries = 0; tries < LEARN_TRIES; tries++) {
    const { status, body } = await send()
    const answer = status === 200 ? decodeAnswer(body) : null
    if (answer?.degraded.length === 0) return answer
  }
  throw new Error(`${LEARN_TRIES} answers in a row were degraded or refused, with nothing else to do`)
}

async function reload(url: string, bundle: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/v1/admin/reload`, { method: 'POST', headers, body: JSON.stringify({ bundle }) })
  if (!answer.ok) throw new Error(`reload: ${answer.status} ${await answer.text()}`)
  await answer.arrayBuffer()
}

async function reloadOften({ url, pid, reloads }: { url: string; pid: number; reloads: number }) {
  const windows: Window[] = []
  const memory: Memory[] = []
  for (let count = 1; count <= reloads; count++) {
    const start_ms = performance.now()
    await reload(url, NAMES[count % NAMES.length])
    const reload_ms = performance.now() - start_ms
    await sleep(AFTER_SWAP_MS)
    const end_ms = performance.now()
    windows.push({ start_ms, end_ms, reload_ms })
    await sleep(Math.max(STEADY_MS_MIN, end_ms - start_ms))
    memory.push(memoryOf(pid))
  }
  return { windows, memory }
}

type Measured = {
  machine: Machine
  all: Asked[]
  asked: Asked[]
  windows: Window[]
  memory: Memory[]
  items: number
  rate_per_s: number
}

function summarise({ machine, all, asked, windows, memory, items, rate_per_s }: Measured): ReloadBenchReport {
  const isReloading = ({ due_ms }: Asked) =>
    windows.some(({ start_ms, end_ms }) => due_ms >= start_ms && due_ms < end_ms)
  const reloading = tailOf(asked.filter(isReloading))
  const steady = tailOf(asked.filter((one) => !isReloading(one)))
  const durations = windows.map(({ reload_ms }) => reload_ms).sort((a, b) => a - b)
  const [first, last] = [memory[Math.min(FIRST_COUNTED, memory.length) - 1], memory[memory.length - 1]]
  return {
    machine,
    items,
    reloads: windows.length,
    rate_per_s,
    failed: all.filter(({ failed }) => failed !== null).length,
    wrong: all.filter(({ verdict }) => verdict?.kind === 'wrong').length,
    degraded: all.filter(({ verdict }) => verdict?.kind === 'degraded').length,
    steady,
    reloading,
    p99_ratio: reloading.p99_ms / steady.p99_ms,
    reload_ms: { median: percentile(durations, 50), max: percentile(durations, 100) },
    memory_first: first,
    memory_last: last,
    rss_growth_percent: 100 * (last.rss_mib / first.rss_mib - 1),
  }
}

function tailOf(asked: Asked[]): Tail {
  const latencies = asked.map(({ latency_ms }) => latency_ms).sort((a, b) => a - b)
  const [p50_ms, p99_ms, max_ms] = [50, 99, 100].map((percent) => percentile(latencies, percent))
  const failed = asked.filter((one) => one.failed !== null).length
  return { requests: asked.length, failed, p50_ms, p99_ms, max_ms }
}

function describe(report: ReloadBenchReport): string {
  const { machine, memory_first, memory_last } = report
  const tail = (name: string, { requests, ...times }: Tail) => [
    name,
    `${requests}`,
    ...Object.values(times).map((ms) => ms.toFixed(2)),
  ]
  const mib = ({ rss_mib, anonymous_mib, tables_mapped }: Memory) =>
    `${rss_mib.toFixed(0)} MiB (${anonymous_mib.toFixed(0)} anonymous, ${tables_mapped} table mapped)`
  return `
${formatTable(['', 'requests', 'failed', 'p50 ms', 'p99 ms', 'max ms'], [tail('steady', report.steady), tail('reloading', report.reloading)])}

failed answers ${report.failed}, mixed or wrong answers ${report.wrong}, degraded ${report.degraded}
p99 while reloading / steady: ${report.p99_ratio.toFixed(2)}
a reload takes ${report.reload_ms.median.toFixed(0)} ms (median), ${report.reload_ms.max.toFixed(0)} ms at most
memory after reload ${Math.min(FIRST_COUNTED, report.reloads)}: ${mib(memory_first)}; after reload ${report.reloads}: ${mib(memory_last)}: ${report.rss_growth_percent.toFixed(1)} %
${machine.cpu}, ${machine.cores} cores, load generator on one of them, Node ${machine.node}`
}
