/** NumPy's .npy files (NEP 1) of two-dimensional floats, read a range of rows at a time. */
import { type FileHandle, open } from 'node:fs/promises'
import { JobError } from '../run/job.ts'

export type NpyMatrix = {
  rows: number
  dims: number
  /** `out` takes whole rows. */
  read(first: number, out: Float32Array): Promise<void>
  close(): Promise<void>
}

const MAGIC = '\x93NUMPY'
const VALUE_BYTES: Record<string, number> = { '<f4': 4, '<f8': 8 }

export async function openNpy(path: string): Promise<NpyMatrix> {
  const file = await open(path, 'r')
  try {
    const { dtype, shape, offset } = await readHeader(path, file)
    const [rows, dims] = shape
    const value_bytes = VALUE_BYTES[dtype]
    const expected = offset + rows * dims * value_bytes
    const { size } = await file.stat()
    if (size !== expected)
      throw new JobError(`${path}: found ${size} bytes, expected ${expected} for ${rows} × ${dims} ${dtype}`)
    return {
      rows,
      dims,
      close: () => file.close(),
      async read(first, out) {
        const bytes = Buffer.alloc(out.length * value_bytes)
        await file.read(bytes, 0, bytes.length, offset + first * dims * value_bytes)
        out.set(
          value_bytes === 4
            ? new Float32Array(bytes.buffer, 0, out.length)
            : new Float64Array(bytes.buffer, 0, out.length),
        )
      },
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

type Header = { dtype: string; shape: [number, number]; offset: number }

async function readHeader(path: string, file: FileHandle): Promise<Header> {
  const start = Buffer.alloc(12)
  await file.read(start, 0, 12, 0)
  if (start.toString('latin1', 0, 6) !== MAGIC) throw new JobError(`${path}: not a .npy file`)
  const wide = start[6] >= 2
  const length = wide ? start.readUInt32LE(8) : start.readUInt16LE(8)
  const offset = (wide ? 12 : 10) + length
  const text = Buffer.alloc(Math.min(length, 65536))
  await file.read(text, 0, text.length, wide ? 12 : 10)
  const header = text.toString('latin1')
  const dtype = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? ''
  const shape = /'shape':\s*\((\d+),\s*(\d+)\)/.exec(header)
  const fortran = /'fortran_order':\s*True/.test(header)
  if (!(dtype in VALUE_BYTES) || !shape || fortran) {
    throw new JobError(
      `${path}: found ${header.trim()}, expected rows of '<f4' or '<f8' in C order with two dimensions`,
    )
  }
  return { dtype, shape: [Number(shape[1]), Number(shape[2])], offset }
}
