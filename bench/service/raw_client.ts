/**
 * The least work that a POST can be: bytes made beforehand and sent as they are, answers read for status, length and
 * Server-Timing only. The generator shares the machine with what it measures, and Node's own client costs about as much
 * as a service that does little. It reads into memory of its own, since every chunk from Node would be memory beside V8's
 * heap, and with some of that V8 collects the whole heap: with Node's client 30 ms every 1.4 s of `bench -- reload`.
 */
import { connect } from 'node:net'
import { type Answer, parseServerTiming } from './http_client.ts'

export type RawClient = {
  /**
   * The pieces of a body. Waits for a free connection; latency counts from `from_ms`. The body of a 200 is empty, or with
   * `keeps_bodies` memory of the connection, which another answer overwrites after this turn of the event loop.
   */
  send(body: Buffer[], from_ms: number): Promise<Answer>
  close(): void
}

export type RawClientOptions = { content_type: string; connections_max: number; keeps_bodies?: boolean }

const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)
const READ_BYTES = 2 ** 16

/** Connects when it needs to, since servers close connections that are not used. */
export function createRawClient(url: URL, options: RawClientOptions): RawClient {
  const { content_type, connections_max, keeps_bodies = false } = options
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
    const lane = createLane(address, { keeps_bodies, onClose: () => lanes.delete(lane) })
    lanes.add(lane)
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

type LaneOptions = { keeps_bodies: boolean; onClose: () => void }

function createLane(address: { port: number; host: string }, { keeps_bodies, onClose }: LaneOptions): Lane {
  let pending: PromiseWithResolvers<Received> | null = null
  let head: Buffer = EMPTY
  let received: Received | null = null
  let left_bytes = 0
  let kept = EMPTY

  const fail = (error: Error) => pending?.reject(error)
  const bodyOf = (status: number, length: number) => {
    if (status !== 200) return Buffer.allocUnsafeSlow(length)
    if (!keeps_bodies) return EMPTY
    if (kept.length < length) kept = Buffer.allocUnsafeSlow(2 * length)
    return kept.subarray(0, length)
  }
  const begin = (chunk: Buffer): Buffer | null => {
    const all = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const end = all.indexOf(HEAD_END)
    if (end < 0) {
      head = Buffer.from(all)
      return null
    }
    head = EMPTY
    const text = all.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    if (length === undefined) {
      socket.destroy(new Error(`an answer without content-length: ${text}`))
      return null
    }
    left_bytes = Number(length)
    const status = Number(text.slice(9, 12))
    const stages = parseServerTiming(/\r\nserver-timing: *(.*)/i.exec(text)?.[1] ?? '')
    received = { status, stages, body: bodyOf(status, left_bytes) }
    return all.subarray(end + HEAD_END.length)
  }
  const read = (chunk: Buffer) => {
    const piece = received ? chunk : begin(chunk)
    if (!piece || !received) return
    const { body } = received
    if (body.length > 0) piece.copy(body, body.length - left_bytes)
    left_bytes -= piece.length
    if (left_bytes > 0) return
    pending?.resolve(received)
    received = null
  }

  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  const callback = (bytes: number) => {
    read(buffer.subarray(0, bytes))
    return true
  }
  const socket = connect({ ...address, noDelay: true, onread: { buffer, callback } })
  socket.once('close', onClose)
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
