/**
 * Why candidates stand where they stand: the kept ones, named ones, or both. It ranks all candidates, and asks the kernel
 * for the parts of the score; the dot per head is the dot with that head's vector in place of the folded one.
 */
import type { Manifest } from '../bundle/manifest.ts'
import type { Explanation, Kernel, ScoreInput } from '../kernel/kernel.ts'
import type { CandidateExplanation, FeatureExplanation } from './answer.ts'
import type { ExplainRequest } from './request.ts'
import { keysOf } from './score_input.ts'
import type { Serving } from './serving.ts'

export type ExplainInput = {
  asked: ExplainRequest
  input: ScoreInput
  /** [H × D] */
  vectors: Float32Array
  /** K: how many candidates the answer keeps. */
  kept: number
}

type Subject = Pick<CandidateExplanation, 'position' | 'named'>

export async function explain(serving: Serving, options: ExplainInput): Promise<CandidateExplanation[]> {
  const { input, kept } = options
  const ranking = await serving.kernel.topK(input, input.rows.length)
  const subjects = subjectsOf(serving.kernel, options, ranking.positions.subarray(0, kept))
  const details = await detailsOf(serving, options, subjects)
  const ranks = ranksOf(ranking.positions, input.rows.length)
  return subjects.map((subject, index) => {
    if (subject.position === null) return { ...subject, outcome: 'not_a_candidate' }
    const rank = ranks[subject.position]
    if (rank === 0) return { ...subject, outcome: 'unknown' }
    const { score, heads, features } = details(index)
    const outcome = rank <= kept ? 'kept' : 'cut'
    return { ...subject, outcome, rank, score, distance_to_cut: score - ranking.scores[kept - 1], heads, features }
  })
}

/** Rank of every candidate from 1, 0 where it has no row. */
function ranksOf(positions: Uint32Array, candidates: number): Uint32Array {
  const ranks = new Uint32Array(candidates)
  positions.forEach((position, index) => {
    ranks[position] = index + 1
  })
  return ranks
}

function subjectsOf(kernel: Kernel, { input, asked }: ExplainInput, kept: Uint32Array): Subject[] {
  const survivors: Subject[] = asked.survivors ? Array.from(kept, (position) => ({ position })) : []
  if (!asked.named) return survivors
  const listed = new Set(survivors.map(({ position }) => position))
  const positions = positionsOf(keysOf(kernel, asked.named), input.keys)
  const named = positions.map((position, index) => ({ position, named: index }))
  return [...survivors, ...named.filter(({ position }) => position === null || !listed.has(position))]
}

/** First position of each key among the candidates, null where it is none. */
function positionsOf(named: BigUint64Array, keys: BigUint64Array): (number | null)[] {
  const first = new Map<bigint, number | null>(Array.from(named, (key) => [key, null]))
  keys.forEach((key, position) => {
    if (first.get(key) === null) first.set(key, position)
  })
  return Array.from(named, (key) => first.get(key)!)
}

type Details = Required<Pick<CandidateExplanation, 'score' | 'heads' | 'features'>>

async function detailsOf(
  { kernel, bundle }: Serving,
  { input, vectors }: ExplainInput,
  subjects: Subject[],
): Promise<(index: number) => Details> {
  const { heads } = bundle.manifest
  const names = featureNames(bundle.manifest)
  const dims = input.query.length
  const positions = Uint32Array.from(subjects, ({ position }) => position ?? 0)
  const parts = await kernel.explain(input, positions)
  const perHead = await Promise.all(
    heads.map((_, head) =>
      kernel.explain({ ...input, query: vectors.slice(head * dims, (head + 1) * dims) }, positions),
    ),
  )
  return (index) => ({
    score: parts.scores[index],
    heads: Object.fromEntries(heads.map(({ name }, head) => [name, perHead[head].raw[index * names.length]])),
    features: featuresAt(parts, { names, index }),
  })
}

/** In feature order. */
function featureNames({ cross_features, items, caller_columns }: Manifest): string[] {
  return [
    'dot',
    ...cross_features.map(({ name }) => `cross.${name}`),
    ...items.scalars.map(({ name }) => `item.${name}`),
    ...caller_columns.map(({ name }) => `candidate.${name}`),
  ]
}

function featuresAt(parts: Explanation, { names, index }: { names: string[]; index: number }) {
  const entries = names.map((name, column): [string, FeatureExplanation] => {
    const at = index * names.length + column
    const [raw, transformed, contribution] = [parts.raw[at], parts.transformed[at], parts.contributions[at]]
    return [name, { raw: Number.isNaN(raw) ? null : raw, transformed, contribution }]
  })
  return Object.fromEntries(entries)
}
