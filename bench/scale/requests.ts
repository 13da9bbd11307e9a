/** What one request costs the service, its wires and Redis, against N: the constants of docs/scaling.md. */
import { Redis } from 'ioredis'
import { measure } from '../service/measure.ts'
import { type Cost, metered } from '../service/meter.ts'
import { startStack } from '../service/stack.ts'
import { UNLIMITED } from '../service/unlimited.ts'
import { drawBody, FORMATS, type Format, readCatalogue } from '../service/workload.ts'

export type RequestPoint = {
  format: Format
  candidates: number
  requests_per_s: number
  p50_ms: number
  p99_ms: number
  cpu_s_per_request: number
  cost: Cost
  request_bytes: number
  response_bytes: number
  /** With the blob cache as it is after such traffic. */
  redis_bytes_per_request: number
  redis_commands_per_request: number
}

export type StoreSize = { keys: number; used_memory_bytes: number; bytes_per_key: number }
export type Requests = { points: RequestPoint[]; store: StoreSize }

type Options = { bundle: string; sizes: { format: Format; candidates: number }[]; seconds: number }

export async function measureRequests({ bundle, sizes, seconds }: Options): Promise<Requests> {
  const candidates_max = Math.max(...sizes.map(({ candidates }) => candidates))
  const stack = await startStack({
    bundle,
    settings: { ...UNLIMITED, CANDIDATES_MAX: `${candidates_max}` },
  })
  const redis = new Redis(stack.redis_url)
  try {
    const catalogue = await readCatalogue(bundle)
    const points: RequestPoint[] = []
    for (const [seed, { format, candidates }] of sizes.entries()) {
      const body = drawBody(catalogue, { candidates, top_k: 1000, seed })[format]
      const answer_bytes = await answerBytes(stack.url, { body, format })
      const before = await counters(redis)
      const { result, cost } = await metered(stack, {
        load: () =>
          measure({
            url: stack.url,
            bundle,
            format,
            candidates,
            seconds,
            connections: 4,
            requests: 24,
            bodies: 4,
            seed,
          }),
        answered: ({ requests }) => ({ requests, candidates: requests * candidates }),
      })
      const after = await counters(redis)
      points.push({
        ...{ format, candidates, cost, p50_ms: result.p50_ms, p99_ms: result.p99_ms },
        ...{ requests_per_s: result.requests_per_s, cpu_s_per_request: cost.cpu_s / result.requests },
        ...{ request_bytes: body.length, response_bytes: answer_bytes },
        redis_bytes_per_request: (after.bytes - before.bytes) / result.requests,
        redis_commands_per_request: (after.commands - before.commands) / result.requests,
      })
    }
    return { points, store: await sizeOf(redis) }
  } finally {
    redis.disconnect()
    await stack.stop()
  }
}

async function answerBytes(url: string, { body, format }: { body: Buffer; format: Format }): Promise<number> {
  const headers = { 'content-type': FORMATS[format], accept: FORMATS[format] }
  const response = await fetch(new URL('/v1/prerank', url), { method: 'POST', headers, body: new Uint8Array(body) })
  const answer = Buffer.from(await response.arrayBuffer())
  if (response.status !== 200) throw new Error(`${response.status} ${answer.toString().slice(0, 300)}`)
  return answer.length
}

async function counters(redis: Redis): Promise<{ bytes: number; commands: number }> {
  const stats = await redis.info('stats')
  return { bytes: numberIn(stats, 'total_net_output_bytes'), commands: numberIn(stats, 'total_commands_processed') }
}

async function sizeOf(redis: Redis): Promise<StoreSize> {
  const keys = await redis.dbsize()
  const used_memory_bytes = numberIn(await redis.info('memory'), 'used_memory_dataset')
  return { keys, used_memory_bytes, bytes_per_key: used_memory_bytes / keys }
}

function numberIn(info: string, name: string): number {
  const found = new RegExp(`^${name}:(\\d+)`, 'm').exec(info)
  if (!found) throw new Error(`Redis INFO has no ${name}`)
  return Number(found[1])
}
