/**
 * The service end to end: its own process, Redis on loopback with the bundle's features, the load generator pinned to one
 * core of those that everything shares. Per size and format: closed loops for throughput (with one connection also the
 * stages), then open loops at shares of the best of them for latency under load.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterUs } from '../../test/lib/after_us.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { checkFormats } from './check.ts'
import { enlargeBundle } from './enlarge.ts'
import { enlargeFeatures } from './enlarge_features.ts'
import { PINNED } from './measure.ts'
import { paperBundle } from './paper_bundle.ts'
import { type Part, planOf, type Variant } from './plans.ts'
import { describeReport, describeRow } from './report.ts'
import { measureRow, type ServiceRow } from './row.ts'
import { startStack } from './stack.ts'
import { UNLIMITED } from './unlimited.ts'
import { FORMATS, type Format, readCatalogue } from './workload.ts'

const DEMO = join(import.meta.dirname, '..', '..', 'models', 'demo')

export type ServiceReport = {
  machine: Machine
  load_generator_pinned: boolean
  items: number
  queries: number
  rows: ServiceRow[]
  /** Parts of the plan that could not be measured here, and why. */
  left_out: string[]
}

export type ServiceOptions = { quick: boolean; full: boolean; json: boolean; paper?: string; python?: string }

type Bed = { folder: string; sources: Record<Variant['tower'], string | undefined>; say: (line: string) => void }

export async function run({ quick, full, json, paper, python }: ServiceOptions): Promise<ServiceReport> {
  const plan = planOf({ quick, full })
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  try {
    const bed: Bed = { folder, sources: { demo: DEMO, paper: undefined }, say }
    const left_out: string[] = []
    if (plan.parts.some(({ variant }) => variant.tower === 'paper')) {
      const made = paperBundle({ folder: join(folder, 'paper'), given: paper, python })
      if ('bundle' in made) bed.sources.paper = made.bundle
      else left_out.push(`paper tower: ${made.missing}`)
    }
    for (const line of left_out) say(line)
    const rows: ServiceRow[] = []
    for (const part of plan.parts) rows.push(...(await measurePart(part, { ...bed, ...plan })))
    const { items, queries } = plan
    const report = { machine: describeMachine(), load_generator_pinned: PINNED, items, queries, rows, left_out }
    say(describeReport(report))
    return report
  } finally {
    removeFolder()
  }
}

type Measure = Bed & { seconds: number; items: number; queries: number }

async function measurePart(
  part: Part,
  { folder, sources, items, queries, seconds, say }: Measure,
): Promise<ServiceRow[]> {
  const { variant, sizes, connections, shares } = part
  const source = sources[variant.tower]
  if (source === undefined) return []
  const bundle = join(folder, 'bundle')
  enlargeBundle({ bundle: source, into: bundle, items, dtype: variant.dtype })
  await enlargeFeatures({ features: join(bundle, 'features'), queries })
  const stack = await startStack({ bundle, settings: settingsOf(variant) })
  try {
    const catalogue = await readCatalogue(bundle)
    for (const candidates of sizes) await checkFormats({ url: stack.url, catalogue, candidates })
    const counts = `${catalogue.keys.length} items, ${catalogue.queries.length} queries`
    say(`\n${nameOf(variant)}: ${counts}; JSON and CBOR agree at ${sizes.join(', ')} candidates`)
    const rows: ServiceRow[] = []
    let seed = 0
    const setting = { variant, bundle, seconds, connections, shares, nextSeed: () => ++seed }
    for (const candidates of sizes) {
      for (const format of Object.keys(FORMATS) as Format[]) {
        rows.push(await measureRow(stack, { ...setting, format, candidates }))
        say(describeRow(rows[rows.length - 1]))
      }
    }
    return rows
  } finally {
    await stack.stop()
  }
}

export function nameOf({ tower, precision, dtype, cache }: Variant): string {
  return `${tower} tower ${precision}, table ${dtype}${cache ? '' : ', blob cache off'}`
}

function settingsOf({ precision, cache }: Variant): Record<string, string> {
  return {
    TOWER_PRECISION: precision,
    // Past saturation a store answer waits for the event loop; leaving features out would be less work, not more speed.
    ...UNLIMITED,
    ...(cache ? {} : { BLOB_CACHE_BYTES: '0' }),
  }
}
