/**
 * What a request has to read from the store, and what each value is for. Everything follows from query and user alone, so
 * it is one round trip whatever the number of candidates.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { PrerankRequest } from '../prerank/request.ts'
import type { StoreRead } from '../store/store.ts'
import { contextValue } from './context.ts'
import { countKeys, countTokens } from './counts.ts'
import { liveKey } from './live_counts.ts'
import { sequenceKey } from './sequence.ts'

/** What an answer names as missing in `degraded`; `live_counts` where the batch's counts are there and are used alone. */
export type FeatureName = 'sequence' | 'cross_counts' | 'live_counts' | 'query_embedding'

export type PlannedBlob = {
  /** Index in `read.values`, and in `read.live` of the live counts beside it. */
  value: number
  segment: string
  /** Column of the blob → cross feature that it feeds, or −1. */
  features: Int16Array
}

export type ReadPlan = {
  read: StoreRead
  blobs: PlannedBlob[]
  /** Index in `read.values` of the precomputed query embedding; null where none is needed. */
  embedding: number | null
  /** What is lost when the store does not answer. */
  features: FeatureName[]
}

export function planReads(manifest: Manifest, request: PrerankRequest): ReadPlan {
  const { query, user } = request
  const values: string[] = []
  const blobs: PlannedBlob[] = []
  for (const segment of neededSegments(manifest)) {
    const features = columnFeatures(manifest, segment)
    for (const key of segmentKeys(segment, request)) blobs.push({ value: values.push(key) - 1, segment, features })
  }
  const live = values.map(liveKey)
  const embedding = readsPath(manifest, 'query.embedding') && !query.embedding ? countKeys.embedding(query.text) : null
  const sequence = readsSequence(manifest) && !user?.sequence && user?.id !== undefined ? sequenceKey(user.id) : null
  return {
    read: { sequence, values: embedding === null ? values : [...values, embedding], live },
    blobs,
    embedding: embedding === null ? null : values.length,
    features: [
      ...(sequence === null ? [] : (['sequence'] as const)),
      ...(blobs.length === 0 ? [] : (['cross_counts'] as const)),
      ...(embedding === null ? [] : (['query_embedding'] as const)),
    ],
  }
}

export function segmentKeys(segment: string, { query, user }: Pick<PrerankRequest, 'query' | 'user'>): string[] {
  if (segment === 'all') return [countKeys.query('all', query.text)]
  if (segment === 'token') return countTokens(query.text).map(countKeys.token)
  const value = contextValue(user, segment)
  return value === undefined ? [] : [countKeys.query(`${segment}=${value}`, query.text)]
}

/** Segments that a cross feature or a tower input reads, in the manifest's order. */
export function neededSegments(manifest: Manifest): string[] {
  const read = new Set(manifest.cross_features.map((feature) => feature.segment))
  for (const { source } of manifest.query_tower.inputs) if (source.kind === 'top_items') read.add(source.segment)
  return manifest.counts.segments.filter((segment) => read.has(segment))
}

function columnFeatures(manifest: Manifest, segment: string): Int16Array {
  return Int16Array.from(manifest.counts.columns, (column) =>
    manifest.cross_features.findIndex((feature) => feature.segment === segment && feature.column === column.name),
  )
}

export function readsSequence(manifest: Manifest): boolean {
  return manifest.query_tower.inputs.some(({ source }) => source.kind === 'sequence')
}

function readsPath(manifest: Manifest, path: string): boolean {
  return manifest.query_tower.inputs.some(({ source }) => 'from' in source && [source.from].flat().includes(path))
}
