/** What an evaluation ranks with: the bundle as it is served, and parts of it for comparison. */
import { createDecode } from '../../prerank/decode.ts'
import { prerank } from '../../prerank/pipeline.ts'
import { createServing, type Serving } from '../../prerank/serving.ts'
import type { HeldOutRequest } from './requests.ts'

export type System = {
  name: string
  title: string
  /** One score per candidate, NaN where there is none. */
  score(request: HeldOutRequest): Promise<{ scores: Float64Array; degraded: boolean }>
}

const CANDIDATES_MAX = 4_000_000

/** `caller`: whether the requests carry caller columns at all; a log has none. */
export function createSystems(serving: Serving, { caller } = { caller: true }): System[] {
  const { manifest } = serving.bundle
  const columns = caller ? manifest.caller_columns.map(({ name }) => name) : []
  return [
    ...columns.map(callerColumn),
    pipelineSystem({ name: 'dot', title: 'towers alone (dot product)', serving: dotOnly(serving) }),
    ...(columns.length === 0
      ? []
      : [pipelineSystem({ name: 'without_caller', title: 'without caller columns', serving, hide_caller: true })]),
    pipelineSystem({ name: 'served', title: `${manifest.name} ${manifest.version}, as served`, serving }),
  ]
}

/** Ranks by one number that the search backend sent along, such as its BM25 score. */
function callerColumn(name: string): System {
  return {
    name,
    title: name === 'bm25' ? 'BM25' : `caller column ${name}`,
    async score({ request }) {
      const given = request.candidate_features?.[name]
      const scores = new Float64Array(request.candidates.length).fill(Number.NaN)
      given?.forEach((value, at) => {
        if (value !== null) scores[at] = value
      })
      return { scores, degraded: false }
    },
  }
}

type PipelineSystem = { name: string; title: string; serving: Serving; hide_caller?: boolean }

function pipelineSystem({ name, title, serving, hide_caller = false }: PipelineSystem): System {
  const decode = createDecode({ candidates_max: CANDIDATES_MAX, explain_max: 1, unknown_features: 'ignore' })
  return {
    name,
    title,
    async score({ request, now_ms }) {
      const { candidate_features, ...rest } = request
      const body = { ...rest, ...(hide_caller ? {} : { candidate_features }), top_k: request.candidates.length }
      const answer = await prerank(serving, decode(body, serving.accepted), { now_ms })
      const scores = new Float64Array(request.candidates.length).fill(Number.NaN)
      for (const [rank, position] of answer.positions.entries()) scores[position] = answer.scores[rank]
      return { scores, degraded: answer.degraded.length > 0 }
    },
  }
}

/** The same bundle with nothing but the dot product in its formula; the table's scalars stay, with weight 0. */
function dotOnly({ bundle, kernel, store, limits }: Serving): Serving {
  const { manifest } = bundle
  const { scalars } = bundle.formula
  const layers = [{ weights: Float32Array.of(1, ...scalars.map(() => 0)), bias: Float32Array.of(0) }]
  return createServing({
    bundle: {
      ...bundle,
      manifest: { ...manifest, cross_features: [], caller_columns: [] },
      formula: { cross: [], scalars, caller: [], layers },
    },
    kernel,
    store,
    limits,
  })
}
