/** What the writer takes: the table's options and batches of items, checked at the door. */
import { ItemTableError } from './errors.ts'
import { DIMS_MAX, DTYPES, type Dtype, ID_KINDS, type IdKind, SCALARS_MAX } from './format.ts'

export type TableOptions = {
  dims: number
  dtype: Dtype
  /** Sketches beside the rows, from which the kernel finds the rows worth reading; by default where they pay. */
  sketch?: boolean
  id_kind: IdKind
  content_dims?: number
  /** Names of the per-item scalars, in the manifest's order. */
  scalars?: string[]
  /** SHA-256 of the manifest, hex; the bundle loader compares it. */
  fingerprint?: string
  /** Keep string ids in the file so that rows can be turned back into ids; default true. */
  keep_ids?: boolean
}

/** n items: ids, then row-major n × dims, n × scalars (NaN = missing) and n × content_dims. */
export type ItemBatch = {
  ids: string[] | BigUint64Array
  vectors: Float32Array
  scalars?: Float32Array
  content?: Float32Array
}

const HALF_MAX = 65504
/** Below that, a row itself is a cache line or two, like one of 64 dims in float16, where sketches gained little. */
const SKETCH_DIMS_MIN = 32

export function completeOptions(options: TableOptions): Required<TableOptions> {
  const complete = {
    ...options,
    sketch: options.sketch ?? (options.dtype === 'float32' && options.dims >= SKETCH_DIMS_MIN),
    content_dims: options.content_dims ?? 0,
    scalars: options.scalars ?? [],
    fingerprint: options.fingerprint ?? '0'.repeat(64),
    keep_ids: options.id_kind === 'string' && (options.keep_ids ?? true),
  }
  const { dims, content_dims, scalars, fingerprint } = complete
  if (!Number.isInteger(dims) || dims < 1 || dims > DIMS_MAX) refuse(`dims is ${dims}, expected 1 to ${DIMS_MAX}`)
  if (!Number.isInteger(content_dims) || content_dims < 0 || content_dims > DIMS_MAX) {
    refuse(`content_dims is ${content_dims}, expected 0 to ${DIMS_MAX}`)
  }
  if (!DTYPES.includes(complete.dtype)) refuse(`dtype is ${complete.dtype}, expected one of ${DTYPES.join(', ')}`)
  if (complete.sketch && complete.dtype === 'int8')
    refuse('int8 rows are as small as sketches: a table has one or the other')
  if (!ID_KINDS.includes(complete.id_kind)) {
    refuse(`id_kind is ${complete.id_kind}, expected one of ${ID_KINDS.join(', ')}`)
  }
  if (scalars.length > SCALARS_MAX) refuse(`${scalars.length} scalars, expected at most ${SCALARS_MAX}`)
  for (const name of scalars) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
      refuse(`scalar name ${JSON.stringify(name)}, expected [A-Za-z0-9_.-]{1,64}`)
  }
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) refuse(`fingerprint is "${fingerprint}", expected 64 lower-case hex digits`)
  return complete
}

/** Refuses a batch of wrong lengths, ids of the wrong kind, and numbers the dtype cannot hold. */
export function checkBatch(batch: ItemBatch, options: Required<TableOptions>): void {
  const n = batch.ids.length
  const as_keys = batch.ids instanceof BigUint64Array
  if (as_keys !== (options.id_kind === 'u64')) {
    refuse(`ids are ${as_keys ? 'a BigUint64Array' : 'strings'}, but the table's id_kind is ${options.id_kind}`)
  }
  checkLength('vectors', batch.vectors, n * options.dims)
  checkLength('scalars', batch.scalars, n * options.scalars.length)
  checkLength('content', batch.content, n * options.content_dims)
  const limit = options.dtype === 'float16' ? HALF_MAX : Number.MAX_VALUE
  checkNumbers(batch, { what: 'vector', values: batch.vectors, width: options.dims, limit })
  if (batch.content && options.content_dims > 0) {
    checkNumbers(batch, { what: 'content', values: batch.content, width: options.content_dims, limit: HALF_MAX })
  }
}

function checkLength(what: string, values: Float32Array | undefined, expected: number): void {
  const found = values?.length ?? 0
  if (found !== expected) refuse(`${what} has ${found} numbers, expected ${expected}`)
}

type Numbers = { what: string; values: Float32Array; width: number; limit: number }

function checkNumbers(batch: ItemBatch, { what, values, width, limit }: Numbers): void {
  for (let at = 0; at < values.length; at++) {
    if (Math.abs(values[at]) <= limit) continue
    const id = batch.ids[Math.floor(at / width)]
    refuse(`${what} of item ${id} has ${values[at]} at index ${at % width}, expected a finite number up to ${limit}`)
  }
}

function refuse(message: string): never {
  throw new ItemTableError(message)
}
