/**
 * items.table, the bytes (little-endian; M items, D dims, S scalars, C content dims).
 *
 *   header   4096 bytes, see the offsets below
 *   rows     M records of `row_stride` bytes: vector (D × float32 | float16 | int8, padded to 4 bytes), then for int8 one
 *            float32 scale (component = int8 · scale), then S float32 scalars (NaN = missing). Everything the kernel reads
 *            of an item stands together, because a candidate costs what its cache lines cost.
 *   content  M × C float16
 *   keys     M × u64, row → key
 *   index    buckets of one cache line: 5 × u64 key, 5 × u32 row (0xffffffff = free), u32 zero. A key starts at bucket
 *            indexHash(key) · buckets / 2^32 and moves on to the next one while buckets are full, at most `probes` times.
 *   offsets, ids   string ids: (M + 1) × u64 into the UTF-8 bytes; absent when ids are integers or were not kept
 *
 * Sections stand in this order, each at the next multiple of 64, so counts fix every offset and a header whose offsets
 * say otherwise is refused. Rejected: separate scale and scalar sections (one more cache line each, elsewhere in memory);
 * an index without keys (16 → 8 bytes per item, but a second random access to verify a hit).
 */
export const HEADER_BYTES = 4096
export const MAGIC = 'PRITEMS\x1a'
export const VERSION = 1
export const BUCKET_BYTES = 64
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
export const SECTIONS = ['rows', 'content', 'keys', 'index', 'offsets', 'ids'] as const
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
  names_bytes: 240,
  names: 256,
}
export const SECTION_ENTRY_BYTES = 24

export type Shape = {
  rows: number
  dims: number
  content_dims: number
  scalars: string[]
  dtype: Dtype
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

export function rowStride(shape: { dims: number; dtype: Dtype; scalars: string[] }): number {
  return vectorBytes(shape) + (shape.dtype === 'int8' ? 4 : 0) + 4 * shape.scalars.length
}

/** Buckets for M items: 3.5 of 5 slots taken, where one look-up reads 1.1 cache lines and an item costs 18.3 bytes. */
export function bucketCount(rows: number): number {
  return Math.max(1, Math.ceil(rows / 3.5))
}

/** Every section's place, and the size of the file. */
export function layOut(shape: Shape): { sections: Sections; file_bytes: number } {
  const bytes: Record<SectionName, number> = {
    rows: shape.rows * rowStride(shape),
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
