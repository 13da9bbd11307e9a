/** What a load cost the service: its own counters before and after, and what Linux says of its memory. */
import { readFileSync } from 'node:fs'

export type Cost = {
  cpu_s: number
  /** Of CPU time per million candidates that were answered. */
  cpu_s_per_million: number
  rss_bytes: number
  /** Of that, what is not mapped from files. */
  rss_anonymous_bytes: number
  event_loop_delay_p99_ms: number
  /** Of the look-ups of count blobs, those that memory answered; null where there were none. */
  cache_hit_share: number | null
  /** Features left out per request. */
  degraded_per_request: number
}

export type Meter = { url: string; pid: number }

/** Runs the load; `answered` is what it says about how much was done. */
export async function metered<T>(
  { url, pid }: Meter,
  { load, answered }: { load: () => Promise<T>; answered: (result: T) => { requests: number; candidates: number } },
): Promise<{ result: T; cost: Cost }> {
  const before = await scrape(url)
  const result = await load()
  const after = await scrape(url)
  const { requests, candidates } = answered(result)
  const grown = (name: string, label = '') => sum(after, name, label) - sum(before, name, label)
  const cpu_s = grown('process_cpu_seconds_total')
  const reads = grown('prerank_blob_cache_reads_total')
  const cost = {
    cpu_s,
    cpu_s_per_million: (cpu_s * 1e6) / candidates,
    ...residentBytes(pid),
    // This gauge starts anew at every scrape.
    event_loop_delay_p99_ms: 1000 * sum(after, 'prerank_event_loop_delay_seconds', 'quantile="0.99"'),
    cache_hit_share: reads > 0 ? grown('prerank_blob_cache_reads_total', 'outcome="hit"') / reads : null,
    degraded_per_request: grown('prerank_degraded_total') / requests,
  }
  return { result, cost }
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(new URL('/metrics', url))
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${url}/metrics: ${response.status} ${text.slice(0, 200)}`)
  return text
}

/** Over all series of the metric whose labels contain `label`. */
export function sum(exposition: string, name: string, label = ''): number {
  const lines = exposition.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return lines.filter((line) => line.includes(label)).reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)
}

function residentBytes(pid: number): Pick<Cost, 'rss_bytes' | 'rss_anonymous_bytes'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN)
  return { rss_bytes: bytes('VmRSS'), rss_anonymous_bytes: bytes('RssAnon') }
}
