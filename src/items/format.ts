/**
 * items.table, the bytes (little-endian; M items, D dims, S scalars, C content dims).
 *
 *   header   4096 bytes, see the offsets below
 *   rows     M records of `row_stride` bytes: vector (D × float32 | float16 | int8, padded to 4 bytes), then for int8 one
 *            float32 scale (component = int8 · scale), then, in a table without sketch, the scalars
 *   scales   D × float32
 *   sketch   M records of `sketch_stride` bytes: D × int8 (component ≈ int8 · scales[d]), padded to 4 bytes, then the scalars.
 *            No row is further than `sketch_error` from what its sketch says, in Euclidean length.
 *   content  M × C float16
 *   keys     M × u64, row → key
 *   index    buckets of one cache line: 5 × u64 key, 5 × u32 row (0xffffffff = free), u32 zero. A key starts at bucket
 *            indexHash(key) · buckets / 2^32 and moves on to the next one while buckets are full, at most `probes` times.
 *   offsets, ids   string ids: (M + 1) × u64 into the UTF-8 bytes; absent when ids are integers or were not kept
 *
 * Scalars are S × float32 (NaN = missing) and stand where scoring meets an item first: in its sketch, else in its row. A
 * candidate costs what its cache lines cost: a sketch of 64 dims is one line, a float32 row four. How the kernel gets exact
 * answers out of sketches: src/kernel/native/two_pass.c.
 *
 * Sections stand in this order, each at the next multiple of 64, so counts fix every offset and a header whose offsets
 * say otherwise is refused. Rejected: separate scale and scalar sections (one more cache line each, elsewhere in memory);
 * an index without keys (16 → 8 bytes per item, but a second random access to verify a hit); a scale per sketch (it would not
 * fit the line; folded into the query, scales per dim cost nothing).
 */
export const HEADER_BYTES = 4096
export const MAGIC = 'PRITEMS\x1a'
export const VERSION = 2
export const BUCKET_BYTES = 64
const LINE_BYTES = 64
export const BUCKET_SLOTS = 5
export const NO_ROW = 0xffffffff

/** Rows per table; the 32-bit index hash spreads well up to here. */
export const ROWS_MAX = 2 ** 30
export const DIMS_MAX = 1024
export const SCALARS_MAX = 16
export const PROBES_MAX = 255

export const DTYPES = ['float32', 'float16', 'int8'] as const
export type Dtype = (typeof DTYPES)[number]
export const ID_KINDS = ['u64', 'string'] as const
export type IdKind = (typeof ID_KINDS)[number]
export const SECTIONS = ['rows', 'scales', 'sketch', 'content', 'keys', 'index', 'offsets', 'ids'] as const
export type SectionName = (typeof SECTIONS)[number]

/** Where the header's fields stand. */
export const AT = {
  version: 8,
  header_bytes: 12,
  file_bytes: 16,
  checksum: 24,
  rows: 32,
  dims: 36,
  content_dims: 40,
  scalars: 44,
  dtype: 48,
  id_kind: 49,
  row_stride: 52,
  buckets: 56,
  probes: 60,
  fingerprint: 64,
  sections: 96,
  sketch_stride: 288,
  sketch_error: 296,
  names_bytes: 304,
  names: 320,
}
export const SECTION_ENTRY_BYTES = 24

export type Shape = {
  rows: number
  dims: number
  content_dims: number
  scalars: string[]
  dtype: Dtype
  sketch: boolean
  id_kind: IdKind
  buckets: number
  /** Bytes of all ids together; 0 with `keeps_ids` false. */
  ids_bytes: number
  keeps_ids: boolean
}

export type Section = { offset: number; bytes: number }
export type Sections = Record<SectionName, Section>

const VALUE_BYTES: Record<Dtype, number> = { float32: 4, float16: 2, int8: 1 }
const align = (value: number, to: number) => Math.ceil(value / to) * to

/** Bytes of one row's vector, padded so that the floats behind it are aligned. */
export function vectorBytes(shape: { dims: number; dtype: Dtype }): number {
  return align(shape.dims * VALUE_BYTES[shape.dtype], 4)
}

export type RowShape = { dims: number; dtype: Dtype; scalars: string[]; sketch: boolean }

export function rowStride(shape: RowShape): number {
  const { dtype, sketch, scalars } = shape
  return vectorBytes(shape) + (dtype === 'int8' ? 4 : 0) + (sketch ? 0 : 4 * scalars.length)
}

/** Where the scalars stand in a sketch. */
export function sketchVectorBytes({ dims }: { dims: number }): number {
  return align(dims, 4)
}

/** 0 without sketch, else the smallest stride with which no sketch takes more cache lines than its bytes need. */
export function sketchStride({ dims, scalars, sketch }: RowShape): number {
  if (!sketch) return 0
  const bytes = sketchVectorBytes({ dims }) + 4 * scalars.length
  const lines = Math.ceil(bytes / LINE_BYTES)
  let stride = bytes
  while (LINE_BYTES - powerOfTwoIn(stride) + bytes > lines * LINE_BYTES) stride += 4
  return stride
}

/** The largest power of two up to a cache line that divides `stride`: sketches start at its multiples. */
function powerOfTwoIn(stride: number): number {
  return Math.min(stride & -stride, LINE_BYTES)
}

/** Buckets for M items: 3.5 of 5 slots taken, where one look-up reads 1.1 cache lines and an item costs 18.3 bytes. */
export function bucketCount(rows: number): number {
  return Math.max(1, Math.ceil(rows / 3.5))
}

/** Every section's place, and the size of the file. */
export function layOut(shape: Shape): { sections: Sections; file_bytes: number } {
  const bytes: Record<SectionName, number> = {
    rows: shape.rows * rowStride(shape),
    scales: shape.sketch ? shape.dims * 4 : 0,
    sketch: shape.rows * sketchStride(shape),
    content: shape.rows * shape.content_dims * 2,
    keys: shape.rows * 8,
    index: shape.buckets * BUCKET_BYTES,
    offsets: shape.keeps_ids ? (shape.rows + 1) * 8 : 0,
    ids: shape.keeps_ids ? shape.ids_bytes : 0,
  }
  let end = HEADER_BYTES
  const sections = {} as Sections
  for (const name of SECTIONS) {
    sections[name] = { offset: end, bytes: bytes[name] }
    end = align(end + bytes[name], 64)
  }
  return { sections, file_bytes: end }
}
