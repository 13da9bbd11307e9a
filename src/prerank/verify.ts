/** Golden requests through this very pipeline: does the service give the scores that the trainer gave? */
import { describeGolden, type GoldenReport, replayGolden } from '../bundle/golden.ts'
import { FULL_SPEED, type Pace } from '../bundle/pace.ts'
import { embeddedStore } from '../store/embedded.ts'
import { idsAt } from './answer.ts'
import { createDecode } from './decode.ts'
import { createForecast } from './forecast.ts'
import { prerank } from './pipeline.ts'
import type { Serving } from './serving.ts'

const CANDIDATES_MAX = 4_000_000
/** The store is a map in memory: a deadline has no meaning here. */
const DEADLINE_MS = 60_000
const decode = createDecode({ candidates_max: CANDIDATES_MAX, explain_max: 1, unknown_features: 'reject' })

/** Throws where a score differs by more than the bundle's tolerance. Scoring also warms what it runs through. */
export async function verifyGolden(serving: Serving, pace: Pace = FULL_SPEED): Promise<GoldenReport> {
  const { directory, manifest, precision } = serving.bundle
  const report = await replayGolden({
    directory,
    manifest,
    precision,
    pace,
    async score({ now_ms, request, blobs }) {
      const isolated = {
        ...serving,
        store: embeddedStore(blobs),
        limits: { ...serving.limits, store_deadline_ms: DEADLINE_MS },
        // What golden requests took says little of others: they are small, and rest in between.
        forecast: createForecast(),
      }
      const decoded = decode(request, serving.accepted)
      const { positions, scores } = await prerank(isolated, decoded, { now_ms })
      return { ids: idsAt(decoded.candidates, positions), scores }
    },
  })
  if (!report.ok) throw new Error(`${directory}: scores are not those of the trainer: ${describeGolden(report)}`)
  return report
}
