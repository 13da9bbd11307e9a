/** One POST over a kept-alive connection, timed from a moment the caller names. */
import { type Agent, request } from 'node:http'

export type Answer = {
  status: number
  body: Buffer
  /** From `from_ms` (performance.now()) to the last byte of the answer. */
  latency_ms: number
  /** Duration of each part that Server-Timing names. */
  stages: Record<string, number>
}

export type Post = { url: URL; agent: Agent; body: Buffer; content_type: string; from_ms: number }

export function post({ url, agent, body, content_type, from_ms }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': content_type, accept: content_type, 'content-length': body.length }
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          body: Buffer.concat(chunks),
          latency_ms: performance.now() - from_ms,
          stages: parseServerTiming(`${incoming.headers['server-timing'] ?? ''}`),
        }),
      )
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

/** `decode;dur=0.5, kernel;dur=1.25` → { decode: 0.5, kernel: 1.25 } */
export function parseServerTiming(header: string): Record<string, number> {
  const entries = [...header.matchAll(/([\w-]+);[^,]*?dur=([\d.]+)/g)]
  return Object.fromEntries(entries.map(([, name, duration]) => [name, Number(duration)]))
}
