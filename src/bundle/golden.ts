/** Golden requests (docs/formats.md §9): does this service give the scores that the trainer gave? */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkedEntry } from './golden_entry.ts'
import { goldenRequests } from './golden_requests.ts'
import type { Manifest, Precision } from './manifest.ts'
import type { Pace } from './pace.ts'

export type GoldenRequest = {
  now_ms: number
  /** Body of `POST /v1/prerank`; every candidate is to be kept. */
  request: unknown
  /** The whole content of the store: keys without prefix and version. */
  blobs: Map<string, Uint8Array>
}

export type GoldenScores = { ids: readonly (string | number | bigint)[]; scores: ArrayLike<number> }

export type GoldenReport = {
  requests: number
  scores: number
  tolerance: number
  /** The largest |score difference|, and where it was. */
  worst: { difference: number; where: string }
  /** Candidates that only one side scored. */
  mismatches: string[]
  ok: boolean
}

/** Scores every golden request through `score`, the service's own pipeline, and compares id by id. */
export async function replayGolden(options: {
  directory: string
  manifest: Manifest
  precision: Precision
  score: (request: GoldenRequest) => Promise<GoldenScores>
  pace: Pace
}): Promise<GoldenReport> {
  const { directory, manifest, precision, score, pace } = options
  const path = join(directory, manifest.golden.file)
  const json = await readFile(path)
  const tolerance = manifest.golden.tolerance[precision]
  if (tolerance === undefined) throw new Error(`${directory}: golden.tolerance has no ${precision}`)
  const report: GoldenReport = {
    requests: 0,
    scores: 0,
    tolerance,
    worst: { difference: 0, where: 'nowhere' },
    mismatches: [],
    ok: false,
  }
  for (const entry of goldenRequests(json, path)) {
    const name = `request ${report.requests++}`
    const { now_ms, request, blobs, ids, scores } = checkedEntry(entry, `${path}, ${name}`)
    const found = await score({ now_ms, request, blobs: decodeBlobs(blobs) })
    compare(report, { name, found, expected: { ids, scores } })
    await pace.rest()
  }
  // Of a file that is read once per reload nothing should wait for a collection of the whole heap.
  json.buffer.transfer(0)
  report.ok = report.scores > 0 && report.mismatches.length === 0 && report.worst.difference <= tolerance
  return report
}

/** One line that says what was compared and what came out. */
export function describeGolden({ requests, scores, tolerance, worst, mismatches }: GoldenReport): string {
  const compared = `${scores} scores of ${requests} golden requests`
  const difference = `worst difference ${worst.difference.toExponential(2)} (${worst.where}), tolerance ${tolerance}`
  const more = mismatches.length > 3 ? ` and ${mismatches.length - 3} more` : ''
  return [`${compared}: ${difference}`, ...mismatches.slice(0, 3)].join('; ') + more
}

function compare(
  report: GoldenReport,
  { name, found, expected }: { name: string; found: GoldenScores; expected: GoldenScores },
): void {
  const scores = new Map(Array.from(found.ids, (id, position) => [String(id), found.scores[position]]))
  for (const [position, id] of expected.ids.entries()) {
    const score = scores.get(String(id))
    scores.delete(String(id))
    if (score === undefined) {
      report.mismatches.push(`${name}: ${id} has no score, expected ${expected.scores[position]}`)
      continue
    }
    report.scores++
    const difference = Math.abs(score - expected.scores[position])
    const worse = Number.isNaN(difference) || difference > report.worst.difference
    if (worse) report.worst = { difference: Number.isNaN(difference) ? Infinity : difference, where: `${name}, ${id}` }
  }
  for (const [id, score] of scores) report.mismatches.push(`${name}: ${id} scored ${score}, expected no score`)
}

function decodeBlobs(blobs: Record<string, string>): Map<string, Uint8Array> {
  return new Map(Object.entries(blobs).map(([key, base64]) => [key, new Uint8Array(Buffer.from(base64, 'base64'))]))
}
