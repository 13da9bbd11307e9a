/**
 * The native kernel as a `Kernel`. Calls run on the libuv pool, large ones split into parts; calls too small to be worth
 * a thread change run at once.
 */
import type { Addon, CallFailure, ScoreCall, TableHandle } from '../items/addon.ts'
import type { ItemTable } from '../items/item_table.ts'
import { KernelInputError } from './errors.ts'
import { contributions } from './fusion.ts'
import { checkCount, checkFormula, checkInput, checkPositions, featureCount } from './input.ts'
import type { Explanation, Formula, Kernel, ScoreInput, TopK } from './kernel.ts'
import { packFormula } from './pack_formula.ts'

/** A call that takes less than the trip through the pool would runs at once. */
const INLINE_NS_MAX = 40_000
/** Measured: a candidate with its row, and a byte of a count blob in the join. */
const CANDIDATE_NS = 40
const BLOB_BYTE_NS = 0.2
/** A part below this size costs more to hand out than it saves. */
const PART_CANDIDATES_MIN = 25_000

export type NativeOptions = {
  /** One call is split over this many threads at most. */
  threads: number
  /** Calls that are expected to take less run on the calling thread. */
  inline_ns_max?: number
}

export function nativeKernel(addon: Addon, options: NativeOptions): Kernel {
  const { threads, inline_ns_max = INLINE_NS_MAX } = options
  const packed = new WeakMap<Formula, Float32Array>()

  /** Formulas are fixed for a bundle: checked and packed once. */
  function pack(formula: Formula): Float32Array {
    let found = packed.get(formula)
    if (!found) {
      checkFormula(formula)
      found = packFormula(formula)
      packed.set(formula, found)
    }
    return found
  }

  function spread(candidates: number, blob_bytes: number): { parts: number; inline: boolean } {
    const parts = Math.max(1, Math.min(threads, Math.floor(candidates / PART_CANDIDATES_MIN)))
    return { parts, inline: candidates * CANDIDATE_NS + blob_bytes * BLOB_BYTE_NS <= inline_ns_max }
  }

  async function score(input: ScoreInput, outputs: Partial<ScoreCall>): Promise<number> {
    const { keys, rows, query, columns, blobs } = input
    const formula = pack(input.formula)
    checkInput(input)
    return settled(
      await addon.score({
        table: handleOf(input.table),
        formula,
        keys,
        rows,
        query,
        columns,
        blobs: blobs.map(({ bytes }) => bytes),
        features: blobs.map(({ features }) => features),
        checked: Uint8Array.from(blobs, ({ checked }) => Number(checked === true)),
        ...spread(
          rows.length,
          blobs.reduce((sum, { bytes }) => sum + bytes.length, 0),
        ),
        ...outputs,
      }),
    )
  }

  return {
    name: 'native',
    hashIds: (ids) => addon.hashIds(ids),
    async resolve(table, keys, rows = new Uint32Array(keys.length)) {
      const call = { table: handleOf(table), keys, rows, ...spread(keys.length, 0) }
      const [unknown, duplicates] = settled(await addon.resolve(call))
      return { rows, unknown, duplicates }
    },
    async topK(input, k): Promise<TopK> {
      checkCount(k)
      const room = Math.min(k, input.rows.length)
      const positions = new Uint32Array(room)
      const scores = new Float32Array(room)
      const kept = await score(input, { positions, scores })
      return { positions: positions.subarray(0, kept), scores: scores.subarray(0, kept) }
    },
    async scoreAll(input) {
      const all = new Float32Array(input.rows.length)
      await score(input, { all })
      return all
    },
    async explain(input, positions): Promise<Explanation> {
      checkInput(input)
      checkPositions(positions, input.rows.length)
      const width = featureCount(input.formula)
      const raw = new Float32Array(positions.length * width)
      const transformed = new Float32Array(positions.length * width)
      const scores = new Float32Array(positions.length)
      await score(at(input, positions), { raw, transformed, all: scores })
      return { raw, transformed, contributions: contributions(input.formula, transformed), scores }
    },
  }
}

/** The same request with only the candidates at `positions`. */
function at(input: ScoreInput, positions: Uint32Array): ScoreInput {
  return {
    ...input,
    keys: BigUint64Array.from(positions, (position) => input.keys[position]),
    rows: Uint32Array.from(positions, (position) => input.rows[position]),
    columns: input.columns.map((column) => column && Float32Array.from(positions, (position) => column[position])),
  }
}

function handleOf(table: ItemTable): TableHandle {
  if (!table.handle) throw new KernelInputError('the native kernel needs a mapped table, this one was read into memory')
  return table.handle
}

function settled<T extends object | number>(result: T | CallFailure): T {
  if (typeof result === 'object' && 'message' in result) {
    throw new KernelInputError(result.message, result.blob < 0 ? null : result.blob)
  }
  return result as T
}
