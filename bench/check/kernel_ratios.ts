/** The kernel beside its floor and beside onnxruntime: processor time of one thread (lower quartile), in turn over one table. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeItems } from '../kernel/data.ts'
import { measure, openBed } from '../kernel/measure.ts'
import type { Ratio } from './compare.ts'

const ITEMS = 1_000_000
const N = 100_000
const ROUNDS = 21

export async function kernelRatios(folder: string): Promise<Ratio[]> {
  const [bed, by_rows] = [true, false].map((sketch) => {
    const path = join(folder, 'kernel.table')
    writeItems(path, { items: ITEMS, dtype: 'float32', sketch })
    const opened = openBed(path)
    rmSync(path)
    return opened
  })
  try {
    const { total, total_by_rows, floor_resolve, floor_gather, onnxruntime } = await measure(bed, {
      n: N,
      fusion: 'mlp16',
      rounds: ROUNDS,
      by_rows,
    })
    if (!onnxruntime) throw new Error('the kernel benchmark did not run onnxruntime')
    const floor_ms = floor_resolve.low + floor_gather.low
    return [
      { name: 'kernel_floor', what: 'memory floor / kernel, N = 100k', value: floor_ms / total.low },
      {
        name: 'kernel_onnxruntime',
        what: 'onnxruntime graph / kernel, N = 100k',
        value: onnxruntime.low / total.low,
      },
      { name: 'kernel_sketches', what: 'whole rows / sketches, N = 100k', value: total_by_rows.low / total.low },
    ]
  } finally {
    bed.close()
    by_rows.close()
  }
}
