/** The names and shapes that a bundle lets a request carry. */
import type { Manifest } from '../bundle/manifest.ts'
import type { IdKind } from './decode_candidates.ts'

export type Accepted = {
  id_kind: IdKind
  heads: string[]
  actions: string[]
  columns: string[]
  /** Path (`query.features.<name>`, `query.embedding`, …) → number of floats of a vector, or null for one number. */
  features: Map<string, number | null>
}

export function acceptedBy(manifest: Manifest): Accepted {
  return {
    id_kind: manifest.items.id_kind,
    heads: manifest.heads.map(({ name }) => name),
    actions: Object.keys(manifest.actions),
    columns: manifest.caller_columns.map(({ name }) => name),
    features: new Map(manifest.query_tower.inputs.flatMap(({ source, shape }) => featuresOf(source, shape))),
  }
}

type Source = Manifest['query_tower']['inputs'][number]['source']

const CALLER_PATH = /^(query\.embedding$|query\.features\.|user\.features\.)/

/** Texts and vocabularies read a named feature as one number. */
function featuresOf(source: Source, shape: number[]): [string, number | null][] {
  if (source.kind === 'present' || !('from' in source)) return []
  const length = source.kind === 'vector' ? shape[0] : null
  return [source.from].flat().flatMap((path) => (CALLER_PATH.test(path) ? [[path, length]] : []))
}
