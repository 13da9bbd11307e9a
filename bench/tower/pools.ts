/**
 * The pool, closed loop: C lanes that each send their next request when the last one is answered, with micro-batching and with
 * one request per run, in turn. Processor time is that of the whole process: main thread, worker, and this loop.
 */
import type { TowerFeed } from '../../src/tower/inputs.ts'
import { TowerPool } from '../../src/tower/pool.ts'
import type { Tower } from './bundles.ts'
import { drawFeeds } from './requests.ts'

export type PoolRow = {
  bundle: string
  precision: string
  batch_max: number
  concurrency: number
  requests_per_s: number
  p50_ms: number
  p99_ms: number
  cpu_ms: number
  mean_batch: number
}

type Plan = { concurrencies: number[]; rounds: number; round_ms: number; batch_max: number }
type Sample = { requests_per_s: number; latencies_ms: number[]; cpu_ms: number; mean_batch: number }

export async function measurePools(tower: Tower, plan: Plan): Promise<PoolRow[]> {
  const feeds = drawFeeds(tower.manifest, { count: 64, seed: 2 })
  const sizes = tower.batch_limit > 1 ? [1, plan.batch_max] : [1]
  const pools = await Promise.all(sizes.map((batch_max) => openPool(tower, batch_max)))
  try {
    const rows: PoolRow[] = []
    for (const concurrency of plan.concurrencies) {
      const samples = pools.map((): Sample[] => [])
      for (let round = 0; round < plan.rounds; round++) {
        for (const [index, pool] of pools.entries()) {
          samples[index].push(await closedLoop(pool, { feeds, concurrency, duration_ms: plan.round_ms }))
        }
      }
      for (const [index, { batch_max }] of pools.entries()) {
        rows.push({
          bundle: tower.bundle,
          precision: tower.precision,
          batch_max,
          concurrency,
          ...together(samples[index]),
        })
      }
    }
    return rows
  } finally {
    await Promise.all(pools.map(({ pool }) => pool.close()))
  }
}

type OpenPool = { pool: TowerPool; batch_max: number; batches: number[] }

async function openPool({ signature }: Tower, batch_max: number): Promise<OpenPool> {
  const batches: number[] = []
  const pool = await TowerPool.start({
    ...signature,
    batch_max,
    threads: 1,
    intra_op_threads: 1,
    wait_ms_max: 0,
    queue_max: 1000,
    warm_up_share: 1,
    onBatch: ({ rows }) => batches.push(rows),
  })
  return { pool, batch_max, batches }
}

type Loop = { feeds: TowerFeed[]; concurrency: number; duration_ms: number }

async function closedLoop({ pool, batches }: OpenPool, { feeds, concurrency, duration_ms }: Loop): Promise<Sample> {
  batches.length = 0
  const latencies_ms: number[] = []
  const cpu_before = process.cpuUsage()
  const start_ms = performance.now()
  let sent = 0
  const lane = async () => {
    while (performance.now() - start_ms < duration_ms) {
      const from_ms = performance.now()
      await pool.run(feeds[sent++ % feeds.length])
      latencies_ms.push(performance.now() - from_ms)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  const elapsed_ms = performance.now() - start_ms
  const cpu = process.cpuUsage(cpu_before)
  return {
    requests_per_s: (1000 * latencies_ms.length) / elapsed_ms,
    latencies_ms,
    cpu_ms: (cpu.user + cpu.system) / 1000 / latencies_ms.length,
    mean_batch: latencies_ms.length / batches.length,
  }
}

/** Medians over the rounds; percentiles over all their requests. */
function together(samples: Sample[]): Omit<PoolRow, 'bundle' | 'precision' | 'batch_max' | 'concurrency'> {
  const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]
  const latencies = samples.flatMap(({ latencies_ms }) => latencies_ms).sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]
  return {
    requests_per_s: middle(samples.map((sample) => sample.requests_per_s)),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    cpu_ms: middle(samples.map((sample) => sample.cpu_ms)),
    mean_batch: middle(samples.map((sample) => sample.mean_batch)),
  }
}
