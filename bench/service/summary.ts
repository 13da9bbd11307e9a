/** What a sample says, in milliseconds: latency percentiles, throughput, and whether the stage times add up. */
import type { Sample } from './generator.ts'

export type Summary = {
  requests: number
  /** Those that were not answered with 200. */
  failures: number
  /** Of the failures, those that the service refused because it had too much to do. */
  shed: number
  /** Answered with 200. */
  requests_per_s: number
  p50_ms: number
  p90_ms: number
  p99_ms: number
  max_ms: number
  /** How late the generator sent what was due; part of the latencies. */
  late_p50_ms: number
  stages_ms: Record<string, number>
}

const SHED = [429, 503]

export function summarise(sample: Sample): Summary {
  const answered = sample.answers.filter(({ status }) => status === 200)
  const latencies = answered.map(({ latency_ms }) => latency_ms).sort((a, b) => a - b)
  const names = [...new Set(answered.flatMap(({ stages }) => Object.keys(stages)))]
  const median = (name: string) =>
    percentile(
      answered.map(({ stages }) => stages[name] ?? 0).sort((a, b) => a - b),
      50,
    )
  return {
    requests: sample.answers.length,
    failures: sample.failures.length,
    shed: sample.answers.filter(({ status }) => SHED.includes(status)).length,
    requests_per_s: (answered.length * 1000) / sample.elapsed_ms,
    p50_ms: percentile(latencies, 50),
    p90_ms: percentile(latencies, 90),
    p99_ms: percentile(latencies, 99),
    max_ms: percentile(latencies, 100),
    late_p50_ms: percentile(Array.from(sample.late_ms.toSorted()), 50),
    stages_ms: Object.fromEntries(names.map((name) => [name, median(name)])),
  }
}

/** Nearest rank, of ascending values; NaN of none. */
export function percentile(ascending: number[], percent: number): number {
  if (ascending.length === 0) return Number.NaN
  return ascending[Math.max(0, Math.ceil((percent / 100) * ascending.length) - 1)]
}
