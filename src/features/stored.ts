/**
 * From the store's bytes to features. Whatever cannot be used is left out and named: the request is scored without it.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { StoreAnswer } from '../store/store.ts'
import { type ParsedCounts, parseCountBlob } from './counts.ts'
import { liveBlob } from './live_counts.ts'
import { type Failure, type LostFeature, lostFeatures } from './lost.ts'
import { maskedKey } from './masked_key.ts'
import type { ReadPlan } from './plan.ts'
import { decodeEvents, type Sequence } from './sequence.ts'
import { isTowerNumber, TOWER_NUMBER } from './tower_number.ts'

export type StoredBlob = {
  segment: string
  features: Int16Array
  counts: ParsedCounts
  /** Counted since the batch build. */
  live: boolean
}

type Attempts = {
  plan: ReadPlan
  /** One per planned blob: what the batch build counted, and what happened since. */
  batch: (ParsedCounts | null)[]
  live: (ParsedCounts | null)[]
  /** By key. */
  failed: ReadonlyMap<string, Failure>
}

export type StoredFeatures = {
  sequence: Sequence | null
  /** Batch blobs, then live ones: of a segment and query both add up. */
  blobs: StoredBlob[]
  embedding: Float32Array | null
  /** Planned features that the store could not give; absent ones are not among them. */
  lost: LostFeature[]
  /** Why, one line per reason, for the log: without user ids. */
  problems: string[]
}

/** Decodes answers to plans of this manifest; a failure stands for a store that did not answer. */
export type AnswerReader = (plan: ReadPlan, answer: StoreAnswer | Failure, now_ms: number) => StoredFeatures

export function answerReader(manifest: Manifest): AnswerReader {
  const parse = rememberedParser(manifest.counts.columns.map((column) => column.name))
  const dims = embeddingDims(manifest)
  const count_options = { columns: manifest.counts.columns, actions: manifest.actions }
  return (plan, answer, now_ms) => {
    if ('reason' in answer) return nothing(plan, answer)
    const failed = new Map<string, Failure>(
      answer.problems.map(({ key, error }) => [key, { reason: error.kind, message: error.message }]),
    )
    const { sequence: sequence_key, values: keys, live: live_keys } = plan.read
    const attempt = <T>(key: string, decode: () => T): T | null => {
      try {
        return failed.has(key) ? null : decode()
      } catch (error) {
        const shown = live_keys.includes(key) || key === sequence_key ? maskedKey(key) : key
        failed.set(key, { reason: 'damaged', message: `${shown}: ${(error as Error).message}` })
        return null
      }
    }
    const sequence = attempt(sequence_key ?? '', () => answer.sequence && decodeEvents(answer.sequence))
    const batch = plan.blobs.map(({ value }) =>
      attempt(keys[value], () => answer.values[value] && parse(answer.values[value])),
    )
    const live = plan.blobs.map(({ value }, index) => {
      const since_ms = batch[index]?.as_of_ms ?? 0
      const bytes = answer.live[value]
      return attempt(live_keys[value], () => bytes && liveBlob(bytes, { ...count_options, since_ms, now_ms }))
    })
    const embedding = attempt(embeddingKey(plan), () => readEmbedding(plan, answer, dims))
    return {
      sequence,
      blobs: wholeSegments({ plan, batch, live, failed }),
      embedding,
      lost: lostFeatures(plan, failed),
      problems: [...new Set(Array.from(failed.values(), ({ message }) => message))],
    }
  }
}

function nothing({ features }: ReadPlan, { reason, message }: Failure): StoredFeatures {
  const lost = features.map((feature) => ({ feature, reason }))
  return { sequence: null, blobs: [], embedding: null, lost, problems: [message] }
}

/**
 * A segment whose batch blobs are not all there is left out as a whole: half of a query's tokens would give a wrong ratio,
 * which is worse than a missing one. So is the live part of a segment, without which the batch's ratio is only older.
 */
function wholeSegments({ plan, batch, live, failed }: Attempts): StoredBlob[] {
  const segmentsOf = (keys: readonly string[]) =>
    new Set(plan.blobs.filter(({ value }) => failed.has(keys[value])).map(({ segment }) => segment))
  const [broken, stale] = [segmentsOf(plan.read.values), segmentsOf(plan.read.live)]
  const usable = (is_live: boolean, isWhole: (segment: string) => boolean) =>
    plan.blobs.flatMap(({ segment, features }, index): StoredBlob[] => {
      const counts = (is_live ? live : batch)[index]
      return counts && isWhole(segment) ? [{ segment, features, counts, live: is_live }] : []
    })
  return [
    ...usable(false, (segment) => !broken.has(segment)),
    ...usable(true, (segment) => !broken.has(segment) && !stale.has(segment)),
  ]
}

/** Bytes that a cache hands out again are checked once; the memory of it lives as long as the bytes do. */
function rememberedParser(columns: readonly string[]): (bytes: Uint8Array) => ParsedCounts {
  const seen = new WeakMap<Uint8Array, ParsedCounts>()
  return (bytes) => {
    const known = seen.get(bytes)
    if (known) return known
    const parsed = parseCountBlob(bytes, columns)
    seen.set(bytes, parsed)
    return parsed
  }
}

function readEmbedding(plan: ReadPlan, answer: StoreAnswer, dims: number): Float32Array | null {
  const bytes = plan.embedding === null ? null : answer.values[plan.embedding]
  return bytes ? decodeEmbedding(bytes, dims) : null
}

export function decodeEmbedding(bytes: Uint8Array, dims: number): Float32Array {
  if (bytes.byteLength !== 4 * dims) {
    throw new Error(`query embedding: found ${bytes.byteLength} bytes, expected ${4 * dims} (${dims} float32)`)
  }
  const embedding = new Float32Array(new Uint8Array(bytes).buffer)
  const wrong = embedding.findIndex((value) => !isTowerNumber(value))
  if (wrong < 0) return embedding
  throw new Error(`query embedding: dim ${wrong}: found ${embedding[wrong]}, expected ${TOWER_NUMBER}`)
}

export function embeddingDims(manifest: Manifest): number {
  const input = manifest.query_tower.inputs.find(
    ({ source }) => source.kind === 'vector' && source.from === 'query.embedding',
  )
  return input?.shape[0] ?? 0
}

function embeddingKey(plan: ReadPlan): string {
  return plan.embedding === null ? '' : plan.read.values[plan.embedding]
}
