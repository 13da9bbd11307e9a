/**
 * The score of docs/formats.md in the plainest terms, over the tiny world: loops over maps, one item at a time, the tower
 * run directly. Shares only the text hashing with the service.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { countKeys } from '../../src/features/counts.ts'
import { textNgrams, tokens } from '../../src/features/text.ts'
import type { TinyCounts, TinyEvent, TinyItem, TinyWorld } from './tiny_bundle.ts'

export type OracleRequest = {
  query: { text: string; embedding?: number[]; features?: Record<string, number> }
  user?: {
    id?: string
    country?: string
    features?: Record<string, number>
    sequence?: { item: number | string; action: string; time: number }[]
  }
  candidates: (number | string)[]
  candidate_features?: { bm25?: (number | null)[] }
  head_weights?: Record<string, number>
}

export type OracleEntry = { id: string; score: number }

const TOWER = new URL('../fixtures/tiny/query_tower.onnx', import.meta.url)

/** Scores all candidates that the table knows, each once, best first. */
export async function tinyOracle(world: TinyWorld) {
  const session = await InferenceSession.create(TOWER.pathname)
  const items = new Map(world.items.map((item) => [item.id, item]))
  return async (request: OracleRequest, now_ms: number): Promise<OracleEntry[]> => {
    const heads = await runTower(session, { ...world, now_ms }, request)
    const query = fold(heads, world, request)
    const seen = new Set<string>()
    const entries = request.candidates.flatMap((candidate, position) => {
      const item = items.get(String(candidate))
      if (!item || seen.has(item.id)) return []
      seen.add(item.id)
      const bm25 = request.candidate_features?.bm25?.[position] ?? undefined
      return [{ id: item.id, position, score: fuse(world, features(world, { request, item, query, bm25 })) }]
    })
    return entries.sort((a, b) => b.score - a.score || a.position - b.position).map(({ id, score }) => ({ id, score }))
  }
}

function fold(heads: number[][], { manifest }: TinyWorld, request: OracleRequest): number[] {
  const weights = manifest.heads.map(({ name, default_weight }) =>
    request.head_weights ? (request.head_weights[name] ?? 0) : default_weight,
  )
  const sum = weights.reduce((a, b) => a + b)
  return heads[0].map((_, dim) => weights.reduce((total, weight, head) => total + (weight / sum) * heads[head][dim], 0))
}

type Scored = { request: OracleRequest; item: TinyItem; query: number[]; bm25: number | undefined }

function features(world: TinyWorld, { request, item, query, bm25 }: Scored): number[] {
  const { manifest } = world
  const columns = manifest.counts.columns.map(({ name }) => name)
  const dot = query.reduce((sum, value, dim) => sum + value * item.vector[dim], 0)
  const cross = manifest.cross_features.map(({ segment, column, prior, transform }) =>
    transformed(
      ratio(blobsOf(world, request, segment), { key: item.key, column: columns.indexOf(column), prior }),
      transform,
    ),
  )
  const popularity = Number.isNaN(item.popularity) ? undefined : item.popularity
  return [
    dot,
    ...cross,
    transformed(popularity, manifest.items.scalars[0].transform),
    transformed(bm25, manifest.caller_columns[0].transform),
  ]
}

function blobsOf({ counts }: TinyWorld, { query, user }: OracleRequest, segment: string): TinyCounts[] {
  const keys =
    segment === 'token'
      ? [...new Set(tokens(query.text))].map(countKeys.token)
      : segment === 'all'
        ? [countKeys.query('all', query.text)]
        : user?.country === undefined
          ? []
          : [countKeys.query(`${segment}=${user.country}`, query.text)]
  return keys.flatMap((key) => counts.get(key) ?? [])
}

function ratio(blobs: TinyCounts[], { key, column, prior }: { key: bigint; column: number; prior: number }) {
  const total = blobs.reduce((sum, { totals }) => sum + totals[column], 0)
  if (total === 0) return undefined
  const count = blobs.reduce((sum, { items }) => sum + (items.find((item) => item.key === key)?.counts[column] ?? 0), 0)
  return count / (total + prior)
}

type Transform = TinyWorld['manifest']['cross_features'][number]['transform']

function transformed(
  raw: number | undefined,
  { kind, scale, mean, std, missing, clip = Number.POSITIVE_INFINITY }: Transform,
) {
  if (raw === undefined) return missing
  const scaled = kind === 'log1p' ? Math.log1p(Math.max(scale * raw, 0)) : scale * raw
  return Math.min(clip, Math.max(-clip, (scaled - mean) / std))
}

function fuse({ manifest: { fusion } }: TinyWorld, values: number[]): number {
  const dot = (weights: number[]) => values.reduce((sum, value, index) => sum + value * weights[index], 0)
  if (fusion.kind === 'linear') return fusion.bias + dot(fusion.weights)
  const [hidden, last] = fusion.layers
  const units = hidden.bias.map((bias, unit) =>
    Math.max(0, bias + dot(hidden.weights.slice(unit * values.length, (unit + 1) * values.length))),
  )
  return units.reduce((sum, unit, index) => sum + unit * last.weights[index], last.bias[0])
}

async function runTower(session: InferenceSession, world: TinyWorld, request: OracleRequest): Promise<number[][]> {
  const { query, user } = request
  const events = sequenceOf(world, request).slice(0, 10)
  const best = topItems(world, request)
  const padded = <T>(values: T[], length: number, fill: T) =>
    [...values, ...Array(length - values.length).fill(fill)] as T[]
  const contents = (rows: TinyItem[], length: number) =>
    padded(
      rows.map(({ content }) => [...content]),
      length,
      [0, 0, 0, 0],
    ).flat()
  const float = (values: number[], ...dims: number[]) => new Tensor('float32', Float32Array.from(values), [1, ...dims])
  const int = (values: ArrayLike<number>, length: number) => new Tensor('int32', Int32Array.from(values), [1, length])
  const ones = (count: number, length: number) => float(padded(Array(count).fill(1), length, 0), length)
  const output = await session.run({
    query_tokens: int(textNgrams(query.text, { buckets: 64, word_ngrams: [1, 2], char_ngrams: [3], length: 8 }), 8),
    country: int([user?.country ? world.manifest.vocabularies.country.indexOf(user.country) + 1 : 0], 1),
    sequence_mask: ones(events.length, 10),
    sequence_content: float(
      contents(
        events.map(({ item }) => item),
        10,
      ),
      10,
      4,
    ),
    sequence_action: int(
      padded(
        events.map(({ event }) => event.action),
        10,
        0,
      ),
      10,
    ),
    sequence_age: float(
      padded(
        events.map(({ event }) => (world.now_ms - event.time_ms) / 1000),
        10,
        0,
      ),
      10,
    ),
    top_content: float(contents(best, 3), 3, 4),
    top_mask: ones(best.length, 3),
    profile: float([(user?.features?.age ?? 0) * 0.1, (query.features?.length ?? 0) * 0.1], 2),
    embedding: float(query.embedding ?? [0, 0, 0, 0], 4),
    has_embedding: float([query.embedding ? 1 : 0], 1),
  })
  const flat = Array.from(output.vectors.data as Float32Array)
  return [0, 1, 2].map((head) => flat.slice(head * 8, (head + 1) * 8))
}

function sequenceOf(world: TinyWorld, { user }: OracleRequest): { event: TinyEvent; item: TinyItem }[] {
  const byId = new Map(world.items.map((item) => [item.id, item]))
  const byKey = new Map(world.items.map((item) => [item.key, item]))
  const inline = user?.sequence
    ?.toSorted((a, b) => b.time - a.time)
    .map(({ item, action, time }) => {
      const event = { key: 0n, action: world.manifest.actions[action], time_ms: time }
      return { event, item: byId.get(String(item)) }
    })
  const stored = (world.sequences.get(user?.id ?? '') ?? []).map((event) => ({ event, item: byKey.get(event.key) }))
  return (inline ?? stored).flatMap(({ event, item }) => (item ? [{ event, item }] : []))
}

function topItems(world: TinyWorld, { query }: OracleRequest): TinyItem[] {
  const blob = world.counts.get(countKeys.query('all', query.text))
  const best = (blob?.items ?? [])
    .filter(({ counts }) => counts[0] > 0)
    .sort((a, b) => b.counts[0] - a.counts[0] || (a.key < b.key ? -1 : 1))
  return best.slice(0, 3).flatMap(({ key }) => world.items.find((item) => item.key === key) ?? [])
}
