/**
 * The load generator of the overload benchmark, a process of its own: a closed loop (--connections) or an open one (--rate),
 * whose latencies count from the time a request was due.
 */
import { parseArgs } from 'node:util'
import { closedLoop, openLoop } from '../service/generator.ts'
import type { Traffic } from '../service/measure.ts'
import { createRawClient } from '../service/raw_client.ts'
import { drawBody, FORMATS, type Format, readCatalogue } from '../service/workload.ts'

const BODIES = 64
/** Of this many clients each waits for its answer before it asks again. */
const CONNECTIONS_MAX = 512

export type Outcome = {
  elapsed_ms: number
  /** Of answers, ascending. */
  accepted_ms: number[]
  refused_ms: number[]
  /** 504. */
  expired: number
  /** What happened to requests that were neither. */
  failures: string[]
}

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: Object.fromEntries(
    ['url', 'bundle', 'format', 'candidates', 'seconds', 'rate', 'connections'].map((name) => [name, text]),
  ),
})
if (import.meta.main) console.log(JSON.stringify(await run(values as Record<keyof Traffic, string>)))

async function run(load: Record<keyof Traffic, string>): Promise<Outcome> {
  const format = load.format as Format
  const catalogue = await readCatalogue(load.bundle)
  const url = new URL('/v1/prerank', load.url)
  const candidates = Number(load.candidates)
  const bodies = Array.from(
    { length: BODIES },
    (_, seed) => drawBody(catalogue, { candidates, top_k: 1000, seed })[format],
  )
  const connections_max = load.rate ? CONNECTIONS_MAX : Number(load.connections)
  const client = createRawClient(url, { content_type: FORMATS[format], connections_max })
  const send = (index: number, from_ms: number) => client.send([bodies[index % BODIES]], from_ms)
  for (let index = 0; index < 20; index++) await send(index, performance.now())
  const duration_ms = 1000 * Number(load.seconds)
  const { answers, failures, elapsed_ms } = load.rate
    ? await openLoop(send, { rate_per_s: Number(load.rate), duration_ms, in_flight_max: Number.POSITIVE_INFINITY })
    : await closedLoop(send, { connections: Number(load.connections), duration_ms, requests_min: 1 })
  client.close()
  const times = (status: number) =>
    answers.flatMap((one) => (one.status === status ? [one.latency_ms] : [])).sort((a, b) => a - b)
  return {
    elapsed_ms,
    accepted_ms: times(200),
    refused_ms: times(503),
    expired: times(504).length,
    failures: failures.filter((failure) => !/^50[34] /.test(failure)),
  }
}
