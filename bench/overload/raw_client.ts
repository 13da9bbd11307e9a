/**
 * The least work that a POST can be: bytes made beforehand, answers read for status and length only. Beyond saturation the
 * generator must not be what is saturated, and Node's own client costs as much as a refusal.
 */
import { connect, type Socket } from 'node:net'
import type { Answer } from '../service/http_client.ts'

export type RawClient = {
  /** Waits for a free connection; latency counts from `from_ms`. */
  send(bytes: Buffer, from_ms: number): Promise<Answer>
  close(): void
}

const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)

export function requestBytes(url: URL, { body, content_type }: { body: Buffer; content_type: string }): Buffer {
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    `content-type: ${content_type}`,
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** Connects when it needs to: a connection that has never been used is one that a server closes. */
export function createRawClient(url: URL, connections_max: number): RawClient {
  const sockets: Socket[] = []
  const free: Lane[] = []
  const waiting: ((lane: Lane) => void)[] = []
  const openLane = () => {
    const socket = connect(Number(url.port), url.hostname)
    sockets.push(socket)
    return createLane(socket)
  }
  const freeLane = async () => {
    const known = free.pop()
    if (known) return known
    return sockets.length < connections_max ? openLane() : new Promise<Lane>((resolve) => waiting.push(resolve))
  }
  return {
    async send(bytes, from_ms) {
      const lane = await freeLane()
      try {
        return { status: await lane.exchange(bytes), body: EMPTY, latency_ms: performance.now() - from_ms, stages: {} }
      } finally {
        const next = waiting.shift()
        if (next) next(lane)
        else free.push(lane)
      }
    },
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

type Lane = { exchange(bytes: Buffer): Promise<number> }

function createLane(socket: Socket): Lane {
  let head = EMPTY
  let left_bytes = 0
  let status = 0
  let pending: { resolve(status: number): void; reject(error: Error): void } | null = null
  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    if (status === 0) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf(HEAD_END)
      if (end < 0) return
      const text = head.toString('latin1', 0, end)
      status = Number(text.slice(9, 12))
      left_bytes = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0) - (head.length - end - HEAD_END.length)
    } else left_bytes -= chunk.length
    if (left_bytes > 0) return
    pending?.resolve(status)
    head = EMPTY
    status = 0
  })
  socket.on('error', (error) => pending?.reject(error))
  socket.on('close', () => pending?.reject(new Error('the connection was closed')))
  return {
    exchange(bytes) {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      if (socket.destroyed) reject(new Error('the connection was closed'))
      pending = { resolve, reject }
      socket.write(bytes)
      return promise
    },
  }
}
