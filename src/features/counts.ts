/**
 * Count blobs (docs/formats.md §3): the engagement counts of one query, or one token of it, in one segment.
 * Job and server share this codec. F columns, M items.
 */
import { xxh64 } from './hash.ts'
import { queryKey, tokens } from './text.ts'

const MAGIC = 0x42435250
const VERSION = 1
const HEADER_BYTES = 32
const COLUMNS_MAX = 64
const ITEMS_MAX = 2 ** 24
/** Tokens of a query that have a blob of their own. */
const TOKENS_MAX = 8

export type Counts = {
  as_of_ms: number
  /** F long: all engagements under the query, items that are not listed included. */
  totals: Float64Array
  /** M long, strictly ascending. */
  keys: BigUint64Array
  /** F×M, column after column. */
  counts: Uint32Array
}

/** A checked blob. `bytes` starts on a multiple of 8; the other fields are views of it. */
export type ParsedCounts = Counts & { bytes: Uint8Array }

/** Identifies the columns of a blob: names and order. */
function countSchema(columns: readonly string[]): number {
  return Number(BigInt.asUintN(32, xxh64(columns.join(','))))
}

export function encodeCountBlob(input: Counts & { columns: readonly string[] }): Uint8Array {
  return packCounts(input).bytes
}

/** A blob as `parseCountBlob` would give it back. */
export function packCounts(input: Counts & { columns: readonly string[] }): ParsedCounts {
  const { columns, keys, totals, counts } = input
  if (totals.length !== columns.length || counts.length !== columns.length * keys.length) {
    throw new RangeError(
      `count blob of ${columns.length} columns and ${keys.length} items: ` +
        `found ${totals.length} totals and ${counts.length} counts, expected ${columns.length} and ${columns.length * keys.length}`,
    )
  }
  assertShape(columns.length, keys.length)
  assertAscending(keys)
  const bytes = new Uint8Array(blobBytes(columns.length, keys.length))
  const header = new DataView(bytes.buffer)
  header.setUint32(0, MAGIC, true)
  header.setUint16(4, VERSION, true)
  header.setUint16(6, columns.length, true)
  header.setUint32(8, keys.length, true)
  header.setUint32(12, countSchema(columns), true)
  header.setFloat64(16, input.as_of_ms, true)
  const views = viewsOf(bytes, columns.length, keys.length)
  views.totals.set(totals)
  views.keys.set(keys)
  views.counts.set(counts)
  header.setBigUint64(24, xxh64(bytes.subarray(HEADER_BYTES)), true)
  return { bytes, as_of_ms: input.as_of_ms, ...views }
}

/** Refuses the whole blob with what was found and what was expected. `columns` are those of the manifest. */
export function parseCountBlob(input: Uint8Array, columns: readonly string[]): ParsedCounts {
  if (input.byteLength < HEADER_BYTES) {
    throw new Error(`count blob: found ${input.byteLength} bytes, expected at least the ${HEADER_BYTES} of the header`)
  }
  const bytes = input.byteOffset % 8 === 0 ? input : new Uint8Array(input)
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const width = header.getUint16(6, true)
  const items = header.getUint32(8, true)
  expectEqual('magic', hex(header.getUint32(0, true)), hex(MAGIC))
  expectEqual('version', header.getUint16(4, true), VERSION)
  expectEqual('columns', width, columns.length)
  expectEqual(`schema (of ${columns.join(',')})`, hex(header.getUint32(12, true)), hex(countSchema(columns)))
  assertShape(width, items)
  expectEqual(`bytes (of ${width} columns × ${items} items)`, bytes.byteLength, blobBytes(width, items))
  expectEqual('checksum', hex(header.getBigUint64(24, true)), hex(xxh64(bytes.subarray(HEADER_BYTES))))
  const views = viewsOf(bytes, width, items)
  assertTotals(views.totals)
  assertAscending(views.keys)
  return { bytes, as_of_ms: header.getFloat64(16, true), ...views }
}

export const countKeys = {
  /** `name` is the key of a query (text.ts), or a token. */
  of: (segment: string, name: string): string => `iqp:${segment}:{${name}}`,
  query: (segment: string, text: string): string => countKeys.of(segment, queryKey(text)),
  token: (token: string): string => countKeys.of('token', token),
  embedding: (text: string): string => `qemb:{${queryKey(text)}}`,
}

/** The tokens of a query that back its counts off: the first distinct ones. */
export function countTokens(text: string): string[] {
  return [...new Set(tokens(text))].slice(0, TOKENS_MAX)
}

function blobBytes(width: number, items: number): number {
  return HEADER_BYTES + 8 * width + 8 * items + 4 * width * items
}

function viewsOf(bytes: Uint8Array, width: number, items: number): Omit<Counts, 'as_of_ms'> {
  const keys_at = bytes.byteOffset + HEADER_BYTES + 8 * width
  return {
    totals: new Float64Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, width),
    keys: new BigUint64Array(bytes.buffer, keys_at, items),
    counts: new Uint32Array(bytes.buffer, keys_at + 8 * items, width * items),
  }
}

/** The kernel divides by them, and refuses the whole request where they are not numbers. */
function assertTotals(totals: Float64Array): void {
  const wrong = totals.findIndex((total) => !(total >= 0 && total < Infinity))
  if (wrong >= 0) {
    throw new Error(`count blob: total of column ${wrong}: found ${totals[wrong]}, expected a finite number from 0`)
  }
}

/** Compares 32-bit halves: BigInt comparison would allocate two of them per item. */
function assertAscending(keys: BigUint64Array): void {
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2)
  for (let i = 2; i < halves.length; i += 2) {
    const ascending = halves[i - 1] < halves[i + 1] || (halves[i - 1] === halves[i + 1] && halves[i - 2] < halves[i])
    if (!ascending) {
      throw new Error(
        `count blob: item key ${keys[i / 2]} follows ${keys[i / 2 - 1]}, expected strictly ascending keys`,
      )
    }
  }
}

function assertShape(width: number, items: number): void {
  if (width < 1 || width > COLUMNS_MAX)
    throw new Error(`count blob: found ${width} columns, expected 1 to ${COLUMNS_MAX}`)
  if (items > ITEMS_MAX) throw new Error(`count blob: found ${items} items, expected at most ${ITEMS_MAX}`)
}

function expectEqual(what: string, found: string | number, expected: string | number): void {
  if (found !== expected) throw new Error(`count blob: ${what}: found ${found}, expected ${expected}`)
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}
