/**
 * This service beside what a team would build otherwise, over the same bundle, the same Redis and the same requests; and
 * the kernel beside libraries that could take its place. Answers are compared before anything is timed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../test/lib/redis.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { enlargeBundle } from '../service/enlarge.ts'
import { enlargeFeatures } from '../service/enlarge_features.ts'
import { PINNED } from '../service/measure.ts'
import { readCatalogue } from '../service/workload.ts'
import { type Answers, askAll, expectAgreement, OVERLAP_MIN } from './agreement.ts'
import { loadFeatures } from './features.ts'
import { compareKernels, type KernelRow, kernelTable } from './kernel_peers.ts'
import { ROOT } from './process.ts'
import { preparePython, run as runCommand } from './python_environment.ts'
import { type Row, rowsOf, saturationTable, tailTable } from './report.ts'
import { openLoops, type Plan, type Rate, type Shared, saturate, type Tail, withSide } from './rounds.ts'
import { SIDES } from './sides.ts'

const DEMO = join(ROOT, 'models', 'demo')
const SIZES = [1_000, 10_000, 100_000]
const QUERIES = 10_000
const SHARE_OF_SATURATION = 0.8
/** Whose saturation the open loops are set by. */
const TAIL_PEERS = ['python blobs', 'node']

/** The usual one takes about eleven minutes. */
const QUICK: Plan = { sizes: SIZES, rounds: 1, seconds: 2 }
const USUAL: Plan = { sizes: SIZES, rounds: 3, seconds: 4 }
const FULL: Plan = { sizes: [100, ...SIZES], rounds: 5, seconds: 8 }

export type PeersOptions = { quick: boolean; full: boolean; json: boolean }

export type PeersReport = {
  machine: Machine
  load_generator_pinned: boolean
  items: number
  overlap_min: Record<string, number>
  saturation: Row[]
  tails: Tail[]
  kernels: KernelRow[]
}

export async function run({ quick, full, json }: PeersOptions): Promise<PeersReport> {
  const bundle = process.env.BUNDLE_DIR ?? DEMO
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-peers-'))
  const redis = await startRedis({ own: true })
  try {
    const plan = quick ? QUICK : full ? FULL : USUAL
    const shared = await prepare({ bundle, folder, items: quick ? 200_000 : 1_000_000, redis_url: redis.url })
    const loaded = await loadFeatures({ bundle: shared.bundle, redis_url: redis.url })
    const catalogue = await readCatalogue(shared.bundle)
    say(`${catalogue.keys.length} items, ${loaded} feature records in Redis`)
    const overlap_min = await compareAnswers(shared, { sizes: plan.sizes, say })
    const saturation = rowsOf(await saturate(SIDES, shared, plan))
    say(`\n${saturationTable(saturation)}`)
    const tails = quick ? [] : await compareTails(shared, { saturation, seconds: plan.seconds })
    if (tails.length > 0) say(`\n${tailTable(tails)}`)
    const kernels = await compareKernels({ quick, python: shared.python })
    say(`\n${kernelTable(kernels)}`)
    const machine = describeMachine()
    const items = catalogue.keys.length
    return { machine, load_generator_pinned: PINNED, items, overlap_min, saturation, tails, kernels }
  } finally {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Preparation = { bundle: string; folder: string; items: number; redis_url: string }

/** A catalogue large enough for 100k distinct candidates, and what the peers need of it. */
async function prepare({ bundle, folder, items, redis_url }: Preparation): Promise<Shared> {
  const python = preparePython()
  const large = join(folder, 'bundle')
  const graph = join(folder, 'score.onnx')
  enlargeBundle({ bundle, into: large, items })
  await enlargeFeatures({ features: join(large, 'features'), queries: QUERIES })
  runCommand(python, ['bench/peers/python/score_graph.py', large, graph], { PYTHONPATH: join(ROOT, 'models') })
  return { bundle: large, redis_url, python, graph }
}

type Comparison = { sizes: number[]; say: (line: string) => void }

async function compareAnswers(shared: Shared, { sizes, say }: Comparison): Promise<Record<string, number>> {
  const catalogue = await readCatalogue(shared.bundle)
  const overlaps: Record<string, number> = {}
  let expected: Answers | undefined
  for (const side of SIDES.filter(({ ranks }) => ranks)) {
    const answers = await withSide(side, shared, ({ url }) => askAll(url, catalogue, sizes))
    expected ??= answers
    overlaps[side.name] = expectAgreement(side.name, answers, expected)
    say(`${side.name}: ${side.what}; overlap with our answers ≥ ${overlaps[side.name]} (at least ${OVERLAP_MIN})`)
  }
  return overlaps
}

/** Each peer at 80 % of its own saturation, then ours at the very same rates. */
async function compareTails(shared: Shared, measured: { saturation: Row[]; seconds: number }): Promise<Tail[]> {
  const { saturation, seconds } = measured
  const tails: Tail[] = []
  for (const name of TAIL_PEERS) {
    const rates = saturation
      .filter(({ side }) => side === name)
      .map(({ candidates, requests_per_s }): Rate => ({ candidates, rate: SHARE_OF_SATURATION * requests_per_s }))
    for (const side of SIDES.filter((one) => one.name === name || one.name === 'prerank').toReversed()) {
      tails.push(...(await openLoops(side, shared, { rates, seconds })))
    }
  }
  return tails
}
