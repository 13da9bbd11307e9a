/**
 * From the store's bytes to features. Whatever cannot be used is left out and named: the request is scored without it.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { StoreAnswer } from '../store/store.ts'
import { type ParsedCounts, parseCountBlob } from './counts.ts'
import type { FeatureName, PlannedBlob, ReadPlan } from './plan.ts'
import { decodeEvents, type Sequence } from './sequence.ts'

export type StoredBlob = { segment: string; features: Int16Array; counts: ParsedCounts }

export type StoredFeatures = {
  sequence: Sequence | null
  blobs: StoredBlob[]
  embedding: Float32Array | null
  /** Planned features that the store could not give; absent ones are not among them. */
  lost: FeatureName[]
  /** Why, one line per key, for the log: without user ids. */
  problems: string[]
}

/** Decodes answers to plans of this manifest; null stands for a store that did not answer. */
export type AnswerReader = (plan: ReadPlan, answer: StoreAnswer | null) => StoredFeatures

export function answerReader(manifest: Manifest): AnswerReader {
  const parse = rememberedParser(manifest.counts.columns.map((column) => column.name))
  const dims = embeddingDims(manifest)
  return (plan, answer) => {
    if (!answer) return { sequence: null, blobs: [], embedding: null, lost: plan.features, problems: [] }
    const failed = new Map(answer.problems.map(({ key, error }) => [key, error.message]))
    const { sequence: sequence_key, values: keys } = plan.read
    const attempt = <T>(key: string, decode: () => T): T | null => {
      try {
        return failed.has(key) ? null : decode()
      } catch (error) {
        failed.set(key, key === sequence_key ? (error as Error).message : `${key}: ${(error as Error).message}`)
        return null
      }
    }
    const sequence = attempt(sequence_key ?? '', () => answer.sequence && decodeEvents(answer.sequence))
    const counts = plan.blobs.map(({ value }) =>
      attempt(keys[value], () => answer.values[value] && parse(answer.values[value])),
    )
    const embedding = attempt(embeddingKey(plan), () => readEmbedding(plan, answer, dims))
    return {
      sequence,
      blobs: wholeSegments(plan, counts, failed),
      embedding,
      lost: lostFeatures(plan, failed),
      problems: [...failed.values()],
    }
  }
}

/**
 * A segment whose blobs are not all there is left out as a whole: half of a query's tokens would give a wrong ratio,
 * which is worse than a missing one.
 */
function wholeSegments(
  plan: ReadPlan,
  counts: (ParsedCounts | null)[],
  failed: ReadonlyMap<string, string>,
): StoredBlob[] {
  const broken = new Set(plan.blobs.filter((blob) => failed.has(blobKey(plan, blob))).map((blob) => blob.segment))
  const blobs: StoredBlob[] = []
  for (const [index, { segment, features }] of plan.blobs.entries()) {
    const parsed = counts[index]
    if (parsed && !broken.has(segment)) blobs.push({ segment, features, counts: parsed })
  }
  return blobs
}

function lostFeatures(plan: ReadPlan, failed: ReadonlyMap<string, string>): FeatureName[] {
  return plan.features.filter((feature) => {
    if (feature === 'sequence') return failed.has(plan.read.sequence ?? '')
    if (feature === 'query_embedding') return failed.has(embeddingKey(plan))
    return plan.blobs.some((blob) => failed.has(blobKey(plan, blob)))
  })
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
  if (!bytes) return null
  if (bytes.byteLength !== 4 * dims) {
    throw new Error(`query embedding: found ${bytes.byteLength} bytes, expected ${4 * dims} (${dims} float32)`)
  }
  return new Float32Array(new Uint8Array(bytes).buffer)
}

function embeddingDims(manifest: Manifest): number {
  const input = manifest.query_tower.inputs.find(
    ({ source }) => source.kind === 'vector' && source.from === 'query.embedding',
  )
  return input?.shape[0] ?? 0
}

function embeddingKey(plan: ReadPlan): string {
  return plan.embedding === null ? '' : plan.read.values[plan.embedding]
}

function blobKey(plan: ReadPlan, blob: PlannedBlob): string {
  return plan.read.values[blob.value]
}
