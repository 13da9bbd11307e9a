/**
 * How time and memory grow: the kernel with candidates, cross features, kept candidates, items and threads; the service
 * with candidates; start and swap with items; memory with processes that share one mapped table. docs/scaling.md extrapolates
 * from this report.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterUs } from '../../test/lib/after_us.ts'
import { writeItems } from '../kernel/data.ts'
import { type Growth, growthWithItems, growthWithThreads } from '../kernel/growth.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { enlargeBundle } from '../service/enlarge.ts'
import { enlargeFeatures } from '../service/enlarge_features.ts'
import type { Format } from '../service/workload.ts'
import { growKernel, type KernelPoint } from './kernel_growth.ts'
import { type Bed, type Sharing, type Start, share, startAndSwap } from './processes.ts'
import { describeScale } from './report.ts'
import { measureRequests, type Requests } from './requests.ts'
import { type TableSize, tableSizes } from './table_sizes.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')
const QUERIES = 10_000

type Plan = {
  rounds: number
  kernel_items: number
  sizes: number[]
  features: number[]
  top_k: number[]
  starts: number[]
  requests: { items: number; seconds: number; sizes: { format: Format; candidates: number }[] }
}

const over = (format: Format, sizes: number[]) => sizes.map((candidates) => ({ format, candidates }))

const QUICK: Plan = {
  rounds: 7,
  kernel_items: 500_000,
  sizes: [100, 1_000, 10_000, 100_000],
  features: [0, 4, 16],
  top_k: [10, 1_000, 10_000],
  starts: [100_000],
  requests: { items: 200_000, seconds: 1, sizes: over('cbor', [1_000, 100_000]) },
}

const USUAL: Plan = {
  rounds: 15,
  kernel_items: 2_000_000,
  sizes: [100, 1_000, 10_000, 100_000, 1_000_000],
  features: [0, 1, 2, 4, 8, 16],
  top_k: [10, 100, 1_000, 10_000, 100_000],
  starts: [100_000, 1_000_000],
  requests: {
    items: 1_000_000,
    seconds: 3,
    sizes: [...over('cbor', [100, 1_000, 10_000, 100_000, 1_000_000]), ...over('json', [100, 1_000, 10_000, 100_000])],
  },
}

export type ScaleReport = {
  machine: Machine
  kernel_items: number
  kernel: KernelPoint[]
  growth: Growth[]
  tables: TableSize[]
  starts: Start[]
  sharing: Sharing[]
  requests: Requests
}

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<ScaleReport> {
  const plan = quick ? QUICK : USUAL
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-scale-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  try {
    const report = await measureAll({ plan, quick, bed: { source: DEMO, folder }, say })
    say(`\n${describeScale(report)}`)
    return report
  } finally {
    removeFolder()
  }
}

type Measure = { plan: Plan; quick: boolean; bed: Bed; say: (line: string) => void }

async function measureAll({ plan, quick, bed, say }: Measure): Promise<ScaleReport> {
  const { folder, source } = bed
  const path = join(folder, 'kernel.table')
  writeItems(path, { items: plan.kernel_items, dtype: 'float32' })
  say(`kernel, ${plan.kernel_items} items: candidates, cross features, kept, threads`)
  const kernel = await growKernel(path, plan)
  const threads = await growthWithThreads(path, { quick })
  rmSync(path)
  say('kernel: items of the table')
  const growth = [...threads, ...(await growthWithItems(folder, { quick }))]
  say('table sizes, start, swap, two processes')
  const tables = tableSizes(bed, 100_000)
  const starts = await startAndSwap(bed, plan.starts)
  const sharing = await share(bed, { items: plan.starts[plan.starts.length - 1], processes: 2 })
  say('requests over HTTP')
  const bundle = join(folder, 'requests')
  const { items, seconds, sizes } = plan.requests
  enlargeBundle({ bundle: source, into: bundle, items })
  await enlargeFeatures({ features: join(bundle, 'features'), queries: QUERIES })
  const requests = await measureRequests({ bundle, sizes, seconds })
  return {
    machine: describeMachine(),
    kernel_items: plan.kernel_items,
    kernel,
    growth,
    tables,
    starts,
    sharing,
    requests,
  }
}
