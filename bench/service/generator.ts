/**
 * Two ways to put load on a service.
 *
 * Closed loop: each of C connections sends its next request when the answer to the last one is there; it finds the
 * saturation throughput, and with C = 1 the service time. Open loop: requests leave at fixed times whether or not
 * earlier ones were answered, and latency counts from the time a request was due, so a stall is charged to every
 * request that it delayed (no coordinated omission).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './http_client.ts'
import { randomFrom } from './random.ts'

/** Sends the request with this number; `from_ms` is when its latency starts. */
export type Send = (index: number, from_ms: number) => Promise<Answer>

/** Bodies are left out: a long run must not fill the memory. */
export type Sample = {
  answers: Omit<Answer, 'body'>[]
  failures: string[]
  /** From when a request was due to when it was sent: timers of Node are a millisecond apart. */
  late_ms: Float64Array
  elapsed_ms: number
}

export type ClosedLoop = { connections: number; duration_ms: number; requests_min: number }

export async function closedLoop(send: Send, options: ClosedLoop): Promise<Sample> {
  const { connections, duration_ms, requests_min } = options
  const sample: Sample = { answers: [], failures: [], late_ms: new Float64Array(), elapsed_ms: 0 }
  const start_ms = performance.now()
  let sent = 0
  const lane = async () => {
    while (performance.now() - start_ms < duration_ms || sent < requests_min) {
      await record(sample, send(sent++, performance.now()))
    }
  }
  await Promise.all(Array.from({ length: connections }, lane))
  return { ...sample, elapsed_ms: performance.now() - start_ms }
}

export type Arrivals = 'even' | 'poisson'
export type OpenLoop = { rate_per_s: number; duration_ms: number; in_flight_max: number; arrivals?: Arrivals }

export async function openLoop(send: Send, options: OpenLoop): Promise<Sample> {
  const due = dueTimes(options)
  const sample: Sample = { answers: [], failures: [], late_ms: new Float64Array(due.length), elapsed_ms: 0 }
  const start_ms = performance.now()
  const pending = new Set<Promise<void>>()
  for (const [index, after_ms] of due.entries()) {
    const due_ms = start_ms + after_ms
    const wait_ms = due_ms - performance.now()
    if (wait_ms > 0.5) await sleep(wait_ms)
    // Beyond this many in flight the service is saturated anyway; waiting here still counts, latency starts at due_ms.
    while (pending.size >= options.in_flight_max) await Promise.race(pending)
    sample.late_ms[index] = Math.max(0, performance.now() - due_ms)
    const one: Promise<void> = record(sample, send(index, due_ms)).finally(() => pending.delete(one))
    pending.add(one)
  }
  await Promise.all(pending)
  return { ...sample, elapsed_ms: performance.now() - start_ms }
}

/** Milliseconds after the start, ascending; gaps of a Poisson process are exponential, so requests come in bursts. */
export function dueTimes({
  rate_per_s,
  duration_ms,
  arrivals = 'even',
}: Omit<OpenLoop, 'in_flight_max'>): Float64Array {
  const count = Math.max(1, Math.floor((rate_per_s * duration_ms) / 1000))
  const gap_ms = 1000 / rate_per_s
  if (arrivals === 'even') return Float64Array.from({ length: count }, (_, index) => index * gap_ms)
  const random = randomFrom(count)
  let due_ms = 0
  return Float64Array.from({ length: count }, () => {
    due_ms -= Math.log(1 - random()) * gap_ms
    return due_ms
  })
}

async function record(sample: Sample, answer: Promise<Answer>): Promise<void> {
  try {
    const { body, ...rest } = await answer
    sample.answers.push(rest)
    if (rest.status !== 200) sample.failures.push(`${rest.status} ${body.toString().slice(0, 200)}`)
  } catch (error) {
    sample.failures.push(`${error}`)
  }
}
