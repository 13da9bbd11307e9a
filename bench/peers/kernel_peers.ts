/**
 * The kernel beside faiss, PyTorch and NumPy on one core: the best 1000 of N given rows by dot product, over one table.
 * Both processes stay up and are asked in turn, so that what else the machine does meets all of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { spreadOf } from '../lib/statistics.ts'
import { formatTable } from '../lib/table.ts'
import { PINNED } from '../service/measure.ts'
import { OVERLAP_MIN, overlap } from './agreement.ts'
import { ROOT } from './process.ts'

const D = 64
const TOP_K = 1000
const SIZES = [1_000, 10_000, 100_000]
/** Sets of candidates in turn: one set alone would stay in the cache. */
const SETS = 8
const BATCH_ITEMS = 100_000

export type KernelRow = { way: string; candidates: number; items: number; ms: number; prerank_over: number }

export async function compareKernels({ quick, python }: { quick: boolean; python: string }): Promise<KernelRow[]> {
  const items = quick ? 1_000_000 : 4_000_000
  const folder = mkdtempSync(join(tmpdir(), 'prerank-kernels-'))
  const workers: Worker[] = []
  try {
    writeData(folder, items)
    workers.push(await startWorker(process.execPath, ['bench/peers/node/kernels.ts', folder]))
    workers.push(await startWorker(python, ['bench/peers/python/kernels.py', folder]))
    const rows: KernelRow[] = []
    for (const candidates of SIZES) rows.push(...(await compareSize(workers, { items, candidates, quick })))
    return rows
  } finally {
    for (const worker of workers) await worker.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export function kernelTable(rows: KernelRow[]): string {
  const head = ['items', 'candidates', 'way', 'ms', 'ours is faster ×']
  const count = (value: number) => value.toLocaleString('en-US')
  const body = rows.map((row) => [
    ...[count(row.items), count(row.candidates), row.way, row.ms.toFixed(3), row.prerank_over.toFixed(2)],
  ])
  return formatTable(head, body)
}

type Size = { items: number; candidates: number; quick: boolean }

async function compareSize(workers: Worker[], { items, candidates, quick }: Size): Promise<KernelRow[]> {
  const ways = workers.flatMap((worker) => worker.ways.map((way) => ({ worker, way, ms: [] as number[] })))
  let expected: number[] | undefined
  for (let round = 0; round < (quick ? 3 : 10); round++) {
    for (const { worker, way, ms } of ways) {
      const answer = await worker.ask({ way, candidates, top_k: TOP_K, repeats: SETS })
      expected ??= answer.best
      const share = overlap(answer.best, expected)
      if (share < OVERLAP_MIN) throw new Error(`${way}: overlap ${share} with our rows, expected ${OVERLAP_MIN}`)
      // The first round warms up.
      if (round > 0) ms.push(...answer.ms)
    }
  }
  const ours = spreadOf(ways[0].ms).median
  return ways.map(({ way, ms: all }) => {
    const ms = spreadOf(all).median
    return { way, candidates, items, ms, prerank_over: ms / ours }
  })
}

function writeData(folder: string, items: number): void {
  const random = normal(1)
  const writer = ItemTableWriter.create(join(folder, 'items.table'), { dims: D, dtype: 'float32', id_kind: 'u64' })
  try {
    for (let first = 0; first < items; first += BATCH_ITEMS) {
      const ids = BigUint64Array.from({ length: BATCH_ITEMS }, (_, i) => BigInt(first + i + 1))
      writer.append({ ids, vectors: Float32Array.from({ length: BATCH_ITEMS * D }, random) })
    }
    writer.finish()
  } finally {
    writer.abort()
  }
  writeFileSync(join(folder, 'queries.f32'), Float32Array.from({ length: SETS * D }, random))
  for (const candidates of SIZES) {
    // A step that is coprime with M visits every row once, in an order that no prefetcher follows.
    const rows = Uint32Array.from({ length: SETS * candidates }, (_, i) => (i * 1_234_567 + 89) % items)
    writeFileSync(join(folder, `rows-${candidates}.u32`), rows)
  }
}

/** Normal numbers by Box–Muller over Mulberry32's simpler sibling, a 32-bit linear congruential generator. */
function normal(seed: number): () => number {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 1) / (2 ** 32 + 1)
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

type Task = { way: string; candidates: number; top_k: number; repeats: number }
type Timed = { ms: number[]; best: number[] }
type Worker = { ways: string[]; ask(task: Task): Promise<Timed>; stop(): Promise<void> }

/** A process that answers tasks line by line; its first line names its ways. */
async function startWorker(command: string, args: string[]): Promise<Worker> {
  const pinned = PINNED ? ['taskset', '-c', '0', command, ...args] : [command, ...args]
  const env = { PATH: process.env.PATH, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
  const child = spawn(pinned[0], pinned.slice(1), { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${command} ${args.join(' ')}: ended early`)
    return JSON.parse(value)
  }
  const { ways } = await read()
  return {
    ways,
    ask: (task) => {
      child.stdin.write(`${JSON.stringify(task)}\n`)
      return read()
    },
    stop: () => stopped(child),
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
}
