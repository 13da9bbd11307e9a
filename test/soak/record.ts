/** What was seen, in total and over time. */
import { readFileSync } from 'node:fs'

export type FaultRecord = { name: string; from_s: number; to_s: number }
export type Slice = { at_s: number; times_ms: number[]; rss_mb: number | null }

export type Tally = {
  requests: number
  checked: number
  engagements: number
  degraded: number
  degraded_unexplained: number
  refused_explained: number
  abandoned: number
  by_format: Record<string, number>
  by_size: Record<string, number>
}

export type Recorder = {
  readonly tally: Tally
  readonly faults: FaultRecord[]
  /** First lines of what went wrong. */
  readonly wrong: string[]
  readonly unexplained: string[]
  readonly slices: Slice[]
  now_s(): number
  latency(ms: number): void
  stop(): void
}

const SLICES = 120

export function createRecorder({ pid, seconds }: { pid: number; seconds: number }): Recorder {
  const start_ms = performance.now()
  const slice_s = Math.max(1, seconds / SLICES)
  const slices: Slice[] = []
  const now_s = () => (performance.now() - start_ms) / 1000
  const begin = () => slices.push({ at_s: now_s(), times_ms: [], rss_mb: rssOf(pid) })
  begin()
  const timer = setInterval(begin, 1000 * slice_s)
  return {
    tally: {
      ...{ requests: 0, checked: 0, engagements: 0, degraded: 0, degraded_unexplained: 0 },
      ...{ refused_explained: 0, abandoned: 0, by_format: {}, by_size: {} },
    },
    faults: [],
    wrong: [],
    unexplained: [],
    slices,
    now_s,
    latency: (ms) => void slices.at(-1)!.times_ms.push(ms),
    stop: () => clearInterval(timer),
  }
}

/** Linux only; elsewhere there is no memory in the plot. */
function rssOf(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? null : Number(kib) / 1024
  } catch {
    return null
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
}
