/** What a request takes on this machine, in this process: the pipeline without the wire. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDecode } from '../../prerank/decode.ts'
import { prerank } from '../../prerank/pipeline.ts'
import type { PrerankRequest } from '../../prerank/request.ts'
import type { Serving } from '../../prerank/serving.ts'

export type Latency = { candidates: number; p50_ms: number; tower_ms: number; kernel_ms: number }

const SIZES = [1000, 10_000, 100_000]
const WARM_RUNS = 3
const RUNS = 15
const TOP_K = 1000

/** The bundle's first golden request, with other candidates: items of the table, spread over it. */
export async function measureLatency(serving: Serving): Promise<Latency[]> {
  const { query, user } = await goldenRequest(serving)
  const { rows } = serving.bundle.table.info
  const results: Latency[] = []
  for (const candidates of SIZES) {
    // Neighbours in a request are far apart in the table, as they are in life; a small table repeats.
    const spread = Uint32Array.from({ length: candidates }, (_, at) => (at * 2_654_435_761) % rows)
    const keys = serving.bundle.table.keysOf(spread)
    const runs: { total: number; tower: number; kernel: number }[] = []
    for (let run = 0; run < WARM_RUNS + RUNS; run++) {
      const started = performance.now()
      const { timings_ms } = await prerank(
        serving,
        { query, user, candidates: { keys }, top_k: TOP_K },
        { now_ms: Date.now() },
      )
      if (run >= WARM_RUNS) {
        runs.push({ total: performance.now() - started, tower: timings_ms.tower ?? 0, kernel: timings_ms.kernel ?? 0 })
      }
    }
    results.push({
      candidates,
      p50_ms: median(runs.map(({ total }) => total)),
      tower_ms: median(runs.map(({ tower }) => tower)),
      kernel_ms: median(runs.map(({ kernel }) => kernel)),
    })
  }
  return results
}

async function goldenRequest({ bundle, accepted }: Serving): Promise<PrerankRequest> {
  const { manifest, directory } = bundle
  const file = JSON.parse(await readFile(join(directory, manifest.golden.file), 'utf8')) as {
    requests: { request: unknown }[]
  }
  const decode = createDecode({ candidates_max: 4_000_000, explain_max: 1, unknown_features: 'ignore' })
  return decode(file.requests[0].request, accepted)
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
