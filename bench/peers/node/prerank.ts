/** One request, from its parsed body to ids and scores. Both graphs run on the main thread. N candidates, D dims, K kept. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { Tensor } from 'onnxruntime-node'
import type { Manifest } from '../../../src/bundle/manifest.ts'
import { readPlanner } from '../../../src/features/plan.ts'
import { ItemTable } from '../../../src/items/item_table.ts'
import type { RequestQuery, RequestUser } from '../../../src/prerank/request.ts'
import { crossFeatures, readCounts } from './hash_counts.ts'
import { createResolve } from './resolve.ts'
import { openSession, openTower } from './tower.ts'

const TOP_K_DEFAULT = 1000

export type Body = {
  query: RequestQuery
  user?: RequestUser
  candidates: number[]
  candidate_features?: Record<string, (number | null)[]>
  top_k?: number
  head_weights?: Record<string, number>
}

export type Answer = { ids: number[]; scores: number[] }

/** `graph` is what score_graph.py made of the bundle. */
export type Parts = { bundle: string; graph: string; redis: Redis }

export async function openPrerank({ bundle, graph, redis }: Parts): Promise<(body: Body) => Promise<Answer>> {
  const manifest: Manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8'))
  const table = ItemTable.open(join(bundle, 'items.table'))
  const planReads = readPlanner(manifest)
  const resolve = createResolve(table)
  const tower = await openTower(bundle, manifest, table)
  const score = await openSession(graph)
  return async (body) => {
    const { rows, positions } = resolve(body.candidates)
    const ids = Array.from(positions, (position) => body.candidates[position])
    // Neither the plan nor the tower looks at the candidates.
    const request = { query: body.query, user: body.user, candidates: { ids: [] } }
    const { sequence, hashes } = await readCounts(redis, planReads(request), ids)
    const vectors = await tower(request, sequence)
    const N = rows.length
    const feeds = {
      rows: new Tensor('int32', rows, [N]),
      query: new Tensor('float32', fold(manifest, vectors, body.head_weights), [manifest.dims]),
      cross: new Tensor('float32', crossFeatures(manifest, hashes, N), [manifest.cross_features.length, N]),
      caller: new Tensor('float32', callerColumns(manifest, body, positions), [manifest.caller_columns.length, N]),
      k: new Tensor('int64', [BigInt(Math.min(N, body.top_k ?? TOP_K_DEFAULT))], [1]),
    }
    const { scores, best } = await score.run(feeds)
    return {
      ids: Array.from(best.data as BigInt64Array, (index) => ids[Number(index)]),
      scores: Array.from(scores.data as Float32Array),
    }
  }
}

/** The head vectors [H, D] as one, weighted. */
function fold({ heads, dims }: Manifest, vectors: Float32Array, weights?: Record<string, number>): Float32Array {
  const chosen = heads.map(({ name, default_weight }) => (weights ? (weights[name] ?? 0) : default_weight))
  const sum = chosen.reduce((total, weight) => total + weight, 0)
  return Float32Array.from({ length: dims }, (_, d) =>
    chosen.reduce((folded, weight, head) => folded + (weight / sum) * vectors[head * dims + d], 0),
  )
}

/** [U, N], row after row; NaN is missing. */
function callerColumns({ caller_columns }: Manifest, body: Body, positions: Uint32Array): Float32Array {
  const N = positions.length
  const raw = new Float32Array(caller_columns.length * N).fill(Number.NaN)
  for (const [index, { name }] of caller_columns.entries()) {
    const given = body.candidate_features?.[name]
    if (given) for (let i = 0; i < N; i++) raw[index * N + i] = given[positions[i]] ?? Number.NaN
  }
  return raw
}
