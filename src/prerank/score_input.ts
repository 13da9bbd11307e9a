/** Hands between the stages: candidates to rows, request to head vectors, and all that the kernel reads. */

import { type ErrorCode, ServiceError } from '../errors.ts'
import type { StoredBlob, StoredFeatures } from '../features/stored.ts'
import type { ItemTable } from '../items/item_table.ts'
import type { Kernel, Resolved, ScoreInput } from '../kernel/kernel.ts'
import { TowerError, type TowerErrorKind } from '../tower/errors.ts'
import type { TowerPool } from '../tower/pool.ts'
import { foldHeads, normalisedWeights } from './head_weights.ts'
import type { Candidates, PrerankRequest } from './request.ts'
import type { Serving } from './serving.ts'

export type ResolvedCandidates = Resolved & { keys: BigUint64Array }

export async function resolveCandidates(
  { kernel, bundle }: Serving,
  candidates: Candidates,
): Promise<ResolvedCandidates> {
  const keys = keysOf(kernel, candidates)
  const memory = 'keys' in candidates ? candidates.rows : undefined
  return { ...(await kernel.resolve(bundle.table, keys, memory)), keys }
}

export function keysOf(kernel: Kernel, candidates: Candidates): BigUint64Array {
  return 'keys' in candidates ? candidates.keys : kernel.hashIds(candidates.ids)
}

/** Failures of the tower that pass; a model that refuses its input does not. */
const UNAVAILABLE: Partial<Record<TowerErrorKind, ErrorCode>> = {
  overloaded: 'overloaded',
  crashed: 'not_ready',
  closed: 'not_ready',
}

type TowerInput = { request: PrerankRequest; stored: StoredFeatures; now_ms: number }

/** The query tower's output, [H × D]. A request whose signal aborts leaves the tower's queue. */
export async function headVectors({ bundle }: Serving, input: TowerInput, signal: AbortSignal): Promise<Float32Array> {
  try {
    return await bundle.tower.run(bundle.queryInputs(input), { signal })
  } catch (error) {
    throw error instanceof TowerError ? (unavailable(error) ?? error) : error
  }
}

function unavailable(error: TowerError): ServiceError | null {
  const code = UNAVAILABLE[error.kind]
  if (!code) return null
  const reason = error.kind === 'overloaded' ? 'tower_queue' : undefined
  return new ServiceError(code, { found: error.message, expected: 'a try later' }, { cause: error, reason })
}

type ScoreParts = {
  request: PrerankRequest
  candidates: ResolvedCandidates
  vectors: Float32Array
  blobs: StoredBlob[]
}

export function scoreInput({ bundle }: Serving, { request, candidates, vectors, blobs }: ScoreParts): ScoreInput {
  const { manifest, table, formula } = bundle
  return {
    table,
    formula,
    keys: candidates.keys,
    rows: candidates.rows,
    query: foldHeads(vectors, normalisedWeights(manifest.heads, request.head_weights)),
    // The codec has verified the checksum, once for as long as the bytes are kept.
    blobs: blobs.map(({ counts, features }) => ({ bytes: counts.bytes, features, checked: true })),
    columns: manifest.caller_columns.map(({ name }) => request.candidate_features?.[name] ?? null),
  }
}

/** After everything has been read: a table whose file has shrunk meanwhile gives zeros, which no answer may come from. */
export function assertWhole(table: ItemTable): void {
  if (table.lost) throw new ServiceError('table_damaged', TABLE_DAMAGED)
}

/** Until a worker starts again, which the pool keeps trying, every request would fail. */
export function assertRunning({ broken }: TowerPool): void {
  if (broken) throw unavailable(broken)
}

const TABLE_DAMAGED = {
  found: 'an items.table that has shrunk or cannot be read any more',
  expected: 'the whole file: put it back and reload the bundle',
}
