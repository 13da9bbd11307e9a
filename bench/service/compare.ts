/**
 * Two checkouts of this service side by side, over one bundle and one Redis: both run, and the load goes to one after the
 * other, round after round, so that whatever else the machine does meets both. Prints requests per second and the CPU time
 * of a request, thread by thread.
 *
 *     node bench/service/compare.ts --base DIR [--candidates 1000,100000] [--formats json,cbor] [--rounds 5] [--seconds 3]
 *
 * Without --base only this checkout runs. `--setting NAME=VALUE`, as often as needed, is the environment of this checkout
 * only, so that with `--base .` two settings are compared; `--processes 2` are as many of this checkout on one port.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { afterUs } from '../../test/lib/after_us.ts'
import { startRedis } from '../../test/lib/redis.ts'
import { spreadOf } from '../lib/statistics.ts'
import { formatTable } from '../lib/table.ts'
import { type CpuTimes, cpuBetween, cpuTimes } from './cpu_time.ts'
import { enlargeBundle } from './enlarge.ts'
import { measure } from './measure.ts'
import { loadFeatures, type Service, shareOf, startService } from './stack.ts'
import { UNLIMITED } from './unlimited.ts'
import type { Format } from './workload.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ITEMS = 200_000

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    bundle: { type: 'string', default: join(ROOT, 'models', 'demo') },
    candidates: { type: 'string', default: '1000,10000,100000' },
    formats: { type: 'string', default: 'json,cbor' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '8' },
    setting: { type: 'string', multiple: true, default: [] },
    processes: { type: 'string', default: '1' },
  },
})

type Side = { name: string; url: string; stacks: Service[] }
type Load = { candidates: number; format: Format }
type Sample = { requests_per_s: number; cpu: CpuTimes }

await run()

async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-compare-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  const bundle = join(folder, 'bundle')
  enlargeBundle({ bundle: values.bundle, into: bundle, items: ITEMS })
  const redis = await startRedis({ own: true })
  const sides: Side[] = []
  try {
    await loadFeatures({ bundle, redis_url: redis.url })
    const checkouts = { ...(values.base ? { base: values.base } : {}), here: ROOT }
    for (const [name, checkout] of Object.entries(checkouts)) {
      const environment = { ...UNLIMITED, BUNDLE_DIR: bundle, REDIS_URL: redis.url }
      const settings =
        name === 'here' ? Object.fromEntries(values.setting.map((setting) => setting.split(/=(.*)/s))) : {}
      const side: Side = { name, url: '', stacks: [] }
      sides.push(side)
      for (const share of await shareOf(name === 'here' ? Number(values.processes) : 1)) {
        side.stacks.push(await startService({ ...environment, ...settings, ...share }, resolve(checkout)))
      }
      side.url = side.stacks[0].url
    }
    for (const candidates of values.candidates.split(',').map(Number)) {
      for (const format of values.formats.split(',') as Format[]) await compare(sides, bundle, { candidates, format })
    }
  } finally {
    await Promise.all(sides.flatMap(({ stacks }) => stacks.map((stack) => stack.stop())))
    await redis.stop()
    removeFolder()
  }
}

async function compare(sides: Side[], bundle: string, load: Load): Promise<void> {
  const samples = sides.map((): Sample[] => [])
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const [index, side] of sides.entries()) {
      const sample = await sampleOf(side, bundle, load)
      if (round >= 0) samples[index].push(sample)
    }
  }
  const threads = [...new Set(samples.flat().flatMap(({ cpu }) => Object.keys(cpu)))]
  const shown = threads.filter((name) => samples.some((taken) => medianOf(taken, name) >= 0.001))
  const head = [`${load.candidates} ${load.format}`, 'req/s', 'quartiles', 'CPU ms', ...shown]
  const rows = sides.map(({ name }, index) => [
    name,
    ...describeRate(samples[index]),
    medianOf(samples[index]).toFixed(3),
    ...shown.map((thread) => medianOf(samples[index], thread).toFixed(3)),
  ])
  console.log(`\n${formatTable(head, rows)}`)
}

/** CPU time of one request, over all threads or in one of them. */
function medianOf(samples: Sample[], thread?: string): number {
  const sum = (cpu: CpuTimes) => Object.values(cpu).reduce((total, ms) => total + ms, 0)
  return spreadOf(samples.map(({ cpu }) => (thread ? (cpu[thread] ?? 0) : sum(cpu)))).median
}

function describeRate(samples: Sample[]): string[] {
  const { median, low, high } = spreadOf(samples.map(({ requests_per_s }) => requests_per_s))
  return [median.toFixed(1), `${low.toFixed(0)}–${high.toFixed(0)}`]
}

async function sampleOf({ url, stacks }: Side, bundle: string, load: Load): Promise<Sample> {
  const before = stacks.map(({ pid }) => cpuTimes(pid))
  const { requests, requests_per_s } = await measure({
    ...load,
    url,
    bundle,
    seconds: Number(values.seconds),
    connections: Number(values.connections),
  })
  const cpu: CpuTimes = {}
  for (const [index, { pid }] of stacks.entries()) {
    for (const [name, ms] of Object.entries(cpuBetween(before[index], cpuTimes(pid)))) {
      cpu[name] = (cpu[name] ?? 0) + ms / requests
    }
  }
  return { requests_per_s, cpu }
}
