/** The header of items.table as a value: encoding, and decoding that believes nothing. */
import { checksum } from './checksum.ts'
import { ItemTableError } from './errors.ts'
import {
  AT,
  DIMS_MAX,
  DTYPES,
  HEADER_BYTES,
  ID_KINDS,
  layOut,
  MAGIC,
  PROBES_MAX,
  ROWS_MAX,
  rowStride,
  SCALARS_MAX,
  SECTION_ENTRY_BYTES,
  SECTIONS,
  type SectionName,
  type Sections,
  type Shape,
  sketchStride,
  VERSION,
} from './format.ts'

export type Header = Shape & {
  file_bytes: number
  row_stride: number
  /** 0 without sketch. */
  sketch_stride: number
  /** Largest Euclidean distance between a row and what its sketch says. */
  sketch_error: number
  probes: number
  /** SHA-256 of the manifest the table was built with, hex; zeros when there was none. */
  fingerprint: string
  sections: Sections
  checksums: Record<SectionName, bigint>
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/

export function encodeHeader(header: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  const names = new TextEncoder().encode(header.scalars.join('\n'))
  bytes.set(new TextEncoder().encode(MAGIC), 0)
  view.setUint32(AT.version, VERSION, true)
  view.setUint32(AT.header_bytes, HEADER_BYTES, true)
  view.setBigUint64(AT.file_bytes, BigInt(header.file_bytes), true)
  view.setUint32(AT.rows, header.rows, true)
  view.setUint32(AT.dims, header.dims, true)
  view.setUint32(AT.content_dims, header.content_dims, true)
  view.setUint32(AT.scalars, header.scalars.length, true)
  view.setUint8(AT.dtype, DTYPES.indexOf(header.dtype))
  view.setUint8(AT.id_kind, ID_KINDS.indexOf(header.id_kind))
  view.setUint32(AT.row_stride, header.row_stride, true)
  view.setUint32(AT.buckets, header.buckets, true)
  view.setUint32(AT.probes, header.probes, true)
  bytes.set(Buffer.from(header.fingerprint, 'hex'), AT.fingerprint)
  view.setUint32(AT.sketch_stride, header.sketch_stride, true)
  view.setFloat64(AT.sketch_error, header.sketch_error, true)
  view.setUint32(AT.names_bytes, names.length, true)
  bytes.set(names, AT.names)
  SECTIONS.forEach((name, index) => {
    const at = AT.sections + index * SECTION_ENTRY_BYTES
    view.setBigUint64(at, BigInt(header.sections[name].offset), true)
    view.setBigUint64(at + 8, BigInt(header.sections[name].bytes), true)
    view.setBigUint64(at + 16, header.checksums[name], true)
  })
  view.setBigUint64(AT.checksum, checksum(bytes), true)
  return bytes
}

/** Throws an ItemTableError unless `bytes` is the header of a table that fits a file of `file_bytes` exactly. */
export function decodeHeader(bytes: Uint8Array, file_bytes: number): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  checkIdentity(bytes, view)
  const header = readFields(bytes, view)
  checkLayout(header)
  if (header.file_bytes !== file_bytes) {
    const what = file_bytes < header.file_bytes ? 'truncated' : 'longer than it was written'
    refuse(`the file is ${what}: ${file_bytes} bytes, its header says ${header.file_bytes}; build or copy it again`)
  }
  return header
}

function checkIdentity(bytes: Uint8Array, view: DataView): void {
  if (bytes.length < HEADER_BYTES) {
    refuse(`the file is ${bytes.length} bytes long, but an item table starts with a header of ${HEADER_BYTES}`)
  }
  const magic = Buffer.from(bytes.subarray(0, 8))
  if (!magic.equals(Buffer.from(MAGIC))) {
    const found = magic.toString('hex')
    refuse(
      `not an item table: it starts with bytes ${found}, expected ${Buffer.from(MAGIC).toString('hex')} ("PRITEMS" 1a)`,
    )
  }
  const version = view.getUint32(AT.version, true)
  if (version !== VERSION) {
    refuse(`item table of version ${version}, this build reads version ${VERSION}; build the table again`)
  }
  const stored = view.getBigUint64(AT.checksum, true)
  // Not `slice`: on a Buffer that is a view.
  const copy = new Uint8Array(bytes.subarray(0, HEADER_BYTES))
  new DataView(copy.buffer).setBigUint64(AT.checksum, 0n, true)
  const computed = checksum(copy)
  if (stored !== computed) {
    refuse(`the header is damaged: XXH64 ${hex64(computed)}, expected ${hex64(stored)}; build or copy the file again`)
  }
}

function readFields(bytes: Uint8Array, view: DataView): Header {
  const u32 = (at: number) => view.getUint32(at, true)
  const u64 = (at: number) => Number(view.getBigUint64(at, true))
  const names_bytes = u32(AT.names_bytes)
  if (names_bytes > HEADER_BYTES - AT.names) refuse(`scalar names take ${names_bytes} bytes, more than the header has`)
  const names = new TextDecoder().decode(bytes.subarray(AT.names, AT.names + names_bytes))
  const scalars = names === '' ? [] : names.split('\n')
  if (scalars.length !== u32(AT.scalars)) refuse(`${u32(AT.scalars)} scalars, but ${scalars.length} names of scalars`)
  const sections = {} as Sections
  const checksums = {} as Record<SectionName, bigint>
  SECTIONS.forEach((name, index) => {
    const at = AT.sections + index * SECTION_ENTRY_BYTES
    sections[name] = { offset: u64(at), bytes: u64(at + 8) }
    checksums[name] = view.getBigUint64(at + 16, true)
  })
  return {
    rows: u32(AT.rows),
    dims: u32(AT.dims),
    content_dims: u32(AT.content_dims),
    scalars,
    dtype: DTYPES[bytes[AT.dtype]] ?? refuse(`unknown dtype ${bytes[AT.dtype]}`),
    id_kind: ID_KINDS[bytes[AT.id_kind]] ?? refuse(`unknown id kind ${bytes[AT.id_kind]}`),
    buckets: u32(AT.buckets),
    ids_bytes: sections.ids.bytes,
    keeps_ids: sections.offsets.bytes > 0,
    file_bytes: u64(AT.file_bytes),
    row_stride: u32(AT.row_stride),
    sketch: u32(AT.sketch_stride) > 0,
    sketch_stride: u32(AT.sketch_stride),
    sketch_error: view.getFloat64(AT.sketch_error, true),
    probes: u32(AT.probes),
    fingerprint: Buffer.from(bytes.subarray(AT.fingerprint, AT.fingerprint + 32)).toString('hex'),
    sections,
    checksums,
  }
}

/** Bounds of every count, then every offset and stride as those counts imply them. */
function checkLayout(header: Header): void {
  within('rows', header.rows, { from: 0, to: ROWS_MAX })
  within('dims', header.dims, { from: 1, to: DIMS_MAX })
  within('content dims', header.content_dims, { from: 0, to: DIMS_MAX })
  within('scalars', header.scalars.length, { from: 0, to: SCALARS_MAX })
  within('index buckets', header.buckets, { from: Math.max(1, Math.ceil(header.rows / 5)), to: ROWS_MAX })
  within('index probes', header.probes, { from: 1, to: PROBES_MAX })
  for (const name of header.scalars) {
    if (!NAME.test(name)) refuse(`scalar name ${JSON.stringify(name)} does not match ${NAME.source}`)
  }
  if (header.row_stride !== rowStride(header)) {
    refuse(`rows of ${header.row_stride} bytes, but ${header.dims} × ${header.dtype} needs ${rowStride(header)}`)
  }
  checkSketch(header)
  const expected = layOut(header)
  for (const name of SECTIONS) {
    const { offset, bytes } = header.sections[name]
    const { offset: offset_expected, bytes: bytes_expected } = expected.sections[name]
    if (offset !== offset_expected || bytes !== bytes_expected) {
      refuse(
        `section ${name} is said to be ${bytes} bytes at ${offset}, expected ${bytes_expected} at ${offset_expected}`,
      )
    }
  }
  if (header.file_bytes !== expected.file_bytes) {
    refuse(`the header says ${header.file_bytes} bytes, its sections end at ${expected.file_bytes}`)
  }
}

function checkSketch(header: Header): void {
  const { sketch, dtype, dims, scalars, sketch_stride, sketch_error } = header
  if (sketch && dtype === 'int8') refuse('a sketch beside int8 rows, which are no larger')
  const expected = sketchStride(header)
  if (sketch_stride !== expected) {
    refuse(`sketches of ${sketch_stride} bytes, but ${dims} dims and ${scalars.length} scalars need ${expected}`)
  }
  if (!(sketch_error >= 0 && sketch_error <= (sketch ? Number.MAX_VALUE : 0))) {
    refuse(`sketch error ${sketch_error}, expected ${sketch ? 'a finite number ≥ 0' : '0, since there is no sketch'}`)
  }
}

function within(what: string, value: number, { from, to }: { from: number; to: number }): void {
  if (value < from || value > to) refuse(`${value} ${what}, expected ${from} to ${to}`)
}

function refuse(message: string): never {
  throw new ItemTableError(message)
}

export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}
