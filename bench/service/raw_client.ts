/**
 * The least work that a POST can be: bytes made beforehand and sent as they are, answers read for status, length and
 * Server-Timing only. The generator shares the machine with what it measures, and Node's own client costs about as much
 * as a service that does little.
 */
import { connect, type Socket } from 'node:net'
import { type Answer, parseServerTiming } from './http_client.ts'

export type RawClient = {
  /** The pieces of a body. Waits for a free connection; latency counts from `from_ms`. The body of a 200 is not kept. */
  send(body: Buffer[], from_ms: number): Promise<Answer>
  close(): void
}

export type RawClientOptions = { content_type: string; connections_max: number }

const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)

/** Connects when it needs to, since servers close connections that are not used. */
export function createRawClient(url: URL, { content_type, connections_max }: RawClientOptions): RawClient {
  if (url.protocol !== 'http:') throw new Error(`${url}: expected http:`)
  const address = { port: Number(url.port || 80), host: url.hostname.replace(/^\[|\]$/g, '') }
  const lanes = new Set<Lane>()
  const free: Lane[] = []
  const waiting: ((lane: Lane) => void)[] = []
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    `content-type: ${content_type}`,
    `accept: ${content_type}`,
    'content-length: ',
  ].join('\r\n')
  const open = () => {
    const socket = connect(address)
    const lane = createLane(socket)
    lanes.add(lane)
    socket.once('close', () => lanes.delete(lane))
    return lane
  }
  const freeLane = async () => {
    for (let known = free.pop(); known; known = free.pop()) if (known.isOpen()) return known
    return lanes.size < connections_max ? open() : new Promise<Lane>((resolve) => waiting.push(resolve))
  }
  const release = (lane: Lane) => {
    const next = waiting.shift()
    if (next) next(lane.isOpen() ? lane : open())
    else free.push(lane)
  }
  return {
    async send(body, from_ms) {
      const lane = await freeLane()
      const length = body.reduce((sum, piece) => sum + piece.length, 0)
      try {
        const answer = await lane.exchange([Buffer.from(`${head}${length}\r\n\r\n`), ...body])
        return { ...answer, latency_ms: performance.now() - from_ms }
      } finally {
        release(lane)
      }
    },
    close() {
      for (const lane of lanes) lane.close()
    },
  }
}

type Received = Omit<Answer, 'latency_ms'>
type Lane = { exchange(pieces: Buffer[]): Promise<Received>; isOpen(): boolean; close(): void }

function createLane(socket: Socket): Lane {
  let pending: PromiseWithResolvers<Received> | null = null
  let head: Buffer = EMPTY
  let received: Received | null = null
  let left_bytes = 0

  const fail = (error: Error) => pending?.reject(error)
  const begin = (chunk: Buffer): Buffer | null => {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const end = head.indexOf(HEAD_END)
    if (end < 0) return null
    const text = head.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    if (length === undefined) {
      socket.destroy(new Error(`an answer without content-length: ${text}`))
      return null
    }
    left_bytes = Number(length)
    const stages = parseServerTiming(/\r\nserver-timing: *(.*)/i.exec(text)?.[1] ?? '')
    received = { status: Number(text.slice(9, 12)), stages, body: EMPTY }
    const rest = head.subarray(end + HEAD_END.length)
    head = EMPTY
    return rest
  }

  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    const piece = received ? chunk : begin(chunk)
    if (!piece || !received) return
    left_bytes -= piece.length
    if (received.status !== 200) received.body = Buffer.concat([received.body, piece])
    if (left_bytes > 0) return
    pending?.resolve(received)
    received = null
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the connection was closed')))
  return {
    exchange(pieces) {
      pending = Promise.withResolvers<Received>()
      socket.cork()
      for (const piece of pieces) socket.write(piece)
      socket.uncork()
      return pending.promise
    },
    // Half closed is closed: the other side reads no more requests.
    isOpen: () => socket.writable && !socket.readableEnded,
    close: () => socket.destroy(),
  }
}
