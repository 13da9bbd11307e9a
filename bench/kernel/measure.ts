/** All ways over one table at one number of candidates, checked against each other and then timed in turn. */
import { type Addon, loadAddon } from '../../src/items/addon.ts'
import type { Dtype } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { openMemory } from '../../src/items/table_memory.ts'
import type { Formula, Kernel, ScoreInput } from '../../src/kernel/kernel.ts'
import { type NativeOptions, nativeKernel } from '../../src/kernel/native.ts'
import { type Spread, timeInTurn, type Ways } from '../lib/statistics.ts'
import { checkKernel, checkOverlap, checkSame } from './check.ts'
import { type Fusion, makeFormula, makeRequest, type Request } from './data.ts'
import { buildFloor, type Floor } from './floor.ts'
import { javascriptScorer } from './javascript.ts'
import { openGraph } from './onnxruntime.ts'

export const TOP_K = 1000
const REQUESTS = 4
/** Rows touched between calls, so that none of a request is still in the cache: 38 MB of float32. */
const EVICTING = 150_000

const ON_THIS_THREAD: NativeOptions = { threads: 1, inline_ns_max: Number.POSITIVE_INFINITY }

export type Row = {
  dtype: Dtype
  items: number
  candidates: number
  fusion: Fusion
  /** Resolve and score; the times are milliseconds of processor time per call, all of it on one thread. */
  total: Spread
  resolve: Spread
  gather_dot: Spread
  top_k_ms: number
  join_ms: number
  layers_ms: number
  floor_resolve: Spread
  /** Touching all rows, and what of them the kernel has to touch: the sketches, where there are some. */
  floor_gather: Spread
  floor_sift: Spread
  /** `total` over the same items without sketches. */
  total_by_rows: Spread
  /** For float32 with an MLP. */
  onnxruntime: Spread | null
  javascript: Spread | null
}

/** `by_rows`: the same items in a table without sketches; `bed` itself may be one. */
export type Case = { n: number; fusion: Fusion; rounds: number; by_rows?: Bed }

/** A table that is open in every way at once. */
export type Bed = { table: ItemTable; kernel: Kernel; floor: Floor; vectors: Float32Array | null; close(): void }

/** Without `options`, calls run on the calling thread, as the floor does. */
export function openBed(path: string, options: NativeOptions = ON_THIS_THREAD): Bed {
  const memory = openMemory(path)
  const { header } = memory
  const table = ItemTable.open(path)
  const { offset, bytes } = header.sections.rows
  return {
    table,
    kernel: nativeKernel(requireAddon(), options),
    floor: buildFloor(memory),
    vectors: header.dtype === 'float32' ? new Float32Array(memory.buffer(), offset, bytes / 4) : null,
    close() {
      table.close()
      memory.release()
    },
  }
}

function requireAddon(): Addon {
  const { addon, problem } = loadAddon()
  if (!addon) throw new Error(`nothing to measure: ${problem}`)
  return addon
}

export async function measure(bed: Bed, { n, fusion, rounds, by_rows = bed }: Case): Promise<Row> {
  const { table, kernel } = bed
  const items = table.info.rows
  const formula = makeFormula(fusion)
  const requests = Array.from({ length: REQUESTS }, (_, seed) => makeRequest({ items, n, seed }))
  await checkKernel(kernel, inputOf(bed, requests[0], formula), TOP_K)
  await checkSame(
    kernel,
    [bed, by_rows].map((one) => inputOf(one, requests[0], formula)),
    TOP_K,
  )
  const evict = bed.floor.gather(makeRequest({ items, n: Math.min(items, EVICTING), seed: 99 }))
  const ways = { ...kernelWays(bed, requests, formula), total_by_rows: kernelWays(by_rows, requests, formula).total }
  const times = await timeInTurn(ways, { rounds, before: evict, clock: bed.floor.threadClock })
  const peers = bed.vectors && fusion === 'mlp16' ? await timePeers(bed, requests, { rounds, evict }) : null
  return {
    ...{ dtype: table.info.dtype, items, candidates: n, fusion },
    total: peers?.total ?? times.total,
    resolve: times.resolve,
    gather_dot: times.dot,
    top_k_ms: times.dot_top_k.median - times.dot.median,
    join_ms: times.linear.median - times.dot_top_k.median,
    layers_ms: times.score.median - times.linear.median,
    floor_resolve: times.floor_resolve,
    floor_gather: times.floor_gather,
    floor_sift: times.floor_sift,
    total_by_rows: times.total_by_rows,
    onnxruntime: peers?.onnxruntime ?? null,
    javascript: peers?.javascript ?? null,
  }
}

function inputOf({ table }: Bed, { keys, rows, query, blobs }: Request, formula: Formula): ScoreInput {
  return { table, formula, keys, rows, query, columns: [], blobs: formula.cross.length > 0 ? blobs : [] }
}

/** Calls that do more and more of the work: their differences are the stages. */
function kernelWays(bed: Bed, requests: Request[], formula: Formula) {
  const { table, kernel, floor } = bed
  const dot: Formula = { ...formula, cross: [], layers: [{ weights: Float32Array.of(1), bias: Float32Array.of(0) }] }
  const linear = makeFormula('linear')
  const scorer = (one: Formula, k: number) => {
    const inputs = requests.map((request) => inputOf(bed, request, one))
    return (round: number) => kernel.topK(inputs[round % REQUESTS], k)
  }
  const inTurn = (actions: (() => unknown)[]) => (round: number) => actions[round % REQUESTS]()
  const resolve = (round: number) => kernel.resolve(table, requests[round % REQUESTS].keys)
  const score = scorer(formula, TOP_K)
  return {
    floor_resolve: inTurn(requests.map((request) => floor.resolve(request))),
    floor_gather: inTurn(requests.map((request) => floor.gather(request))),
    floor_sift: inTurn(requests.map((request) => floor.sift(request))),
    resolve,
    dot: scorer(dot, 1),
    dot_top_k: scorer(dot, TOP_K),
    linear: scorer(linear, TOP_K),
    score,
    async total(round: number) {
      await resolve(round)
      await score(round)
    },
  } satisfies Ways<string>
}

type PeerOptions = { rounds: number; evict: () => void }

/** The whole kernel, onnxruntime and JavaScript; the other two are spared the look-up of ids and the join. */
async function timePeers(bed: Bed, requests: Request[], { rounds, evict }: PeerOptions) {
  const formula = makeFormula('mlp16')
  const graph = await openGraph(bed.vectors!, formula)
  const javascript = javascriptScorer(bed.vectors!, formula)
  const { total } = kernelWays(bed, requests, formula)
  const k = Math.min(TOP_K, requests[0].rows.length)
  const ours = await bed.kernel.topK(inputOf(bed, requests[0], formula), k)
  checkOverlap('onnxruntime', ours, await graph.run(requests[0], k))
  checkOverlap('javascript', ours, javascript(requests[0], k))
  const ways = {
    total,
    onnxruntime: (round: number) => graph.run(requests[round % REQUESTS], k),
    javascript: (round: number) => javascript(requests[round % REQUESTS], k),
  }
  return timeInTurn(ways, { rounds: Math.max(5, rounds >> 1), before: evict, clock: bed.floor.threadClock })
}
