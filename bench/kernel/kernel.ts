/**
 * The kernel beside its floor, an onnxruntime graph and plain JavaScript, over the same table and requests in turn. Answers
 * are compared before anything is timed. One thread, but for the rows that say otherwise.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DTYPES, type Dtype } from '../../src/items/format.ts'
import { describeMachine, type Machine } from '../lib/machine.ts'
import { type Fusion, writeItems } from './data.ts'
import { type Growth, growthWithItems, growthWithThreads } from './growth.ts'
import { type Bed, measure, openBed, type Row } from './measure.ts'
import { describeGrowth, describeRows, type Summary, summarise } from './report.ts'

const ITEMS = 4_000_000

type Plan = { dtypes: readonly Dtype[]; sizes: number[]; fusions: Fusion[] }
const FULL: Plan = { dtypes: DTYPES, sizes: [1_000, 10_000, 100_000, 1_000_000], fusions: ['linear', 'mlp16'] }
const QUICK: Plan = { dtypes: ['float32'], sizes: [10_000, 100_000], fusions: ['mlp16'] }

export type KernelReport = { machine: Machine; summary: Summary; rows: Row[]; growth: Growth[] }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<KernelReport> {
  const say = (text: string) => json || console.log(text)
  const { dtypes, sizes, fusions } = quick ? QUICK : FULL
  const folder = mkdtempSync(join(tmpdir(), 'prerank-bench-'))
  const rows: Row[] = []
  const growth: Growth[] = []
  try {
    for (const dtype of dtypes) {
      const path = join(folder, 'items.table')
      writeItems(path, { items: ITEMS, dtype })
      const bed = openBed(path)
      const by_rows = bed.table.info.sketch_bytes > 0 ? openByRows(folder, dtype) : bed
      for (const n of sizes) {
        for (const fusion of fusions) rows.push(await measure(bed, { n, fusion, rounds: quick ? 15 : 31, by_rows }))
      }
      bed.close()
      if (by_rows !== bed) by_rows.close()
      say(
        `\n${dtype}, ${ITEMS.toLocaleString('en-US')} items; stages in ns per candidate, processor time of one thread`,
      )
      say(describeRows(rows.filter((row) => row.dtype === dtype)))
      if (dtype === 'float32') growth.push(...(await growthWithThreads(path, { quick })))
      rmSync(path)
    }
    growth.push(...(await growthWithItems(folder, { quick })))
    say(`\n${describeGrowth(growth)}`)
    const summary = summarise(rows)
    say(`\n${JSON.stringify(summary)}`)
    return { machine: describeMachine(), summary, rows, growth }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same items without sketches; the file is gone with what maps it. */
function openByRows(folder: string, dtype: Dtype): Bed {
  const path = join(folder, 'whole_rows.table')
  writeItems(path, { items: ITEMS, dtype, sketch: false })
  const bed = openBed(path)
  rmSync(path)
  return bed
}
