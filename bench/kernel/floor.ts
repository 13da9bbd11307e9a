/** The physical bound beside the kernel's times: floor.c over the lines that resolve and gather have to read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUCKET_BYTES } from '../../src/items/format.ts'
import { firstBucket, indexHash } from '../../src/items/index_hash.ts'
import type { TableMemory } from '../../src/items/table_memory.ts'
import { compile } from '../../src/kernel/build.mjs'
import type { Clock } from '../lib/statistics.ts'
import type { Request } from './data.ts'

type FloorAddon = {
  touch(buffer: ArrayBuffer, start: number, stride: number, bytes: number, indices: Uint32Array): number
  threadClock: Clock
}

export type Floor = {
  resolve(request: Request): () => void
  /** Whole rows. */
  gather(request: Request): () => void
  /** What a candidate that is not among the best costs: its sketch, in a table without sketches its row. */
  sift(request: Request): () => void
  /** Processor time of this thread: the one clock that other processes do not move. */
  threadClock: Clock
}

export function buildFloor(memory: TableMemory): Floor {
  const { header } = memory
  const buffer = memory.buffer()
  const { touch, threadClock } = compileFloor()
  const { rows, sketch, index } = header.sections
  return {
    threadClock,
    resolve({ keys }) {
      const halves = new Uint32Array(keys.buffer)
      const buckets = Uint32Array.from(keys, (_, i) => {
        return firstBucket(indexHash(halves[2 * i], halves[2 * i + 1]), header.buckets)
      })
      return () => touch(buffer, index.offset, BUCKET_BYTES, BUCKET_BYTES, buckets)
    },
    gather: (request) => () => touch(buffer, rows.offset, header.row_stride, header.row_stride, request.rows),
    sift: (request) => {
      const [{ offset }, stride] = header.sketch ? [sketch, header.sketch_stride] : [rows, header.row_stride]
      return () => touch(buffer, offset, stride, stride, request.rows)
    },
  }
}

function compileFloor(): FloorAddon {
  const folder = mkdtempSync(join(tmpdir(), 'prerank-floor-'))
  try {
    const output = join(folder, 'floor.node')
    const { ok, message } = compile({ output, flags: ['-O3'], files: [join(import.meta.dirname, 'floor.c')] })
    if (!ok) throw new Error(`the floor does not compile: ${message}`)
    return createRequire(import.meta.url)(output)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
