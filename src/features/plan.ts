/**
 * What a request has to read from the store, and what each value is for. Everything follows from query and user alone, so
 * it is one round trip whatever the number of candidates.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { PrerankRequest } from '../prerank/request.ts'
import type { StoreRead } from '../store/store.ts'
import { contextValue, valueSegment } from './context.ts'
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

/** What requests to this manifest have to read. */
export type PlanReads = (request: PrerankRequest) => ReadPlan

export function readPlanner(manifest: Manifest): PlanReads {
  const segments = neededSegments(manifest).map((segment) => ({ segment, features: columnFeatures(manifest, segment) }))
  const reads_embedding = readsPath(manifest, 'query.embedding')
  const reads_sequence = readsSequence(manifest)

  return (request) => {
    const { query, user } = request
    const values: string[] = []
    const blobs: PlannedBlob[] = []
    for (const { segment, features } of segments) {
      for (const key of segmentKeys(segment, request)) blobs.push({ value: values.push(key) - 1, segment, features })
    }
    const live = values.map(liveKey)
    const embedding = reads_embedding && !query.embedding ? values.push(countKeys.embedding(query.text)) - 1 : null
    const sequence = reads_sequence && !user?.sequence && user?.id !== undefined ? sequenceKey(user.id) : null
    const features: FeatureName[] = []
    if (sequence !== null) features.push('sequence')
    if (blobs.length > 0) features.push('cross_counts')
    if (embedding !== null) features.push('query_embedding')
    return { read: { sequence, values, live }, blobs, embedding, features }
  }
}

export function segmentKeys(segment: string, { query, user }: Pick<PrerankRequest, 'query' | 'user'>): string[] {
  if (segment === 'all') return [countKeys.query('all', query.text)]
  if (segment === 'token') return countTokens(query.text).map(countKeys.token)
  const value = contextValue(user, segment)
  return value === undefined ? [] : [countKeys.query(valueSegment(segment, value), query.text)]
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
