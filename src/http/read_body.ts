/** The bytes of a body, within a limit before and after decompression. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ServiceError } from '../errors.ts'
import type { BodyPool } from './body_pool.ts'

export type BodyOptions = {
  bytes_max: number
  pool: BodyPool
  /** What a body may be, for errors. */
  expected: string
  /** Told how much memory the body takes, before it takes it; may refuse by throwing. */
  hold?: (bytes: number) => void
  /** Nobody waits for the body any more. */
  signal?: AbortSignal
}

/** What it returns may be given back to the pool. */
export async function readBody(stream: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  const { bytes_max, expected } = options
  const encoding = encodingOf(stream.headers)
  const announced = Number(stream.headers['content-length'] ?? 0)
  if (announced > bytes_max) throw tooLarge(`${announced} bytes`, bytes_max)
  const body =
    encoding === 'gzip' ? await collectUnzipped(stream, options) : await collect(stream, { ...options, announced })
  if (body.length === 0) throw new ServiceError('malformed_body', { field: 'the body', found: 'nothing', expected })
  return body
}

function encodingOf(headers: IncomingHttpHeaders): 'gzip' | 'identity' {
  const found = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (found === 'gzip' || found === 'identity') return found
  throw new ServiceError('unsupported_encoding', {
    field: 'Content-Encoding',
    found: found.slice(0, 40),
    expected: 'gzip, or none',
  })
}

function tooLarge(found: string, bytes_max: number): ServiceError {
  return new ServiceError('body_too_large', { field: 'the body', found, expected: `at most ${bytes_max} bytes` })
}

/** Piece by piece: it holds as much memory as it has become, and nobody knows before how much that will be. */
async function collectUnzipped(stream: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  const gunzip = createGunzip({ chunkSize: UNZIPPED_BYTES })
  stream.once('error', () => gunzip.destroy())
  stream.pipe(gunzip)
  try {
    return await collect(gunzip, { ...options, announced: 0, measured: ' after decompression' })
  } finally {
    stream.unpipe(gunzip).resume()
    gunzip.destroy()
  }
}

const UNZIPPED_BYTES = 64 * 1024

type CollectOptions = BodyOptions & { announced: number; measured?: string }

async function collect(source: Readable, options: CollectOptions): Promise<Buffer> {
  const { bytes_max, announced, measured = '', signal } = options
  // The announced length is not taken before the first byte is there.
  let body: Buffer = Buffer.alloc(0)
  let received = 0
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      const end = received + chunk.length
      if (end > bytes_max) throw tooLarge(`more than ${bytes_max} bytes${measured}`, bytes_max)
      if (end > body.length) body = enlarge(body, Math.max(announced, end, 2 * body.length), options)
      chunk.copy(body, received)
      received = end
    }
    const stop = (reason: unknown) => {
      source.off('data', onData).resume()
      reject(reason)
    }
    const onData = (chunk: Buffer) => {
      try {
        take(chunk)
      } catch (error) {
        stop(error)
      }
    }
    if (signal?.aborted) return stop(signal.reason)
    signal?.addEventListener('abort', () => stop(signal.reason), { once: true })
    source.on('data', onData)
    source.once('end', resolve)
    source.once('error', (error) => reject(unreadable(error)))
    source.once('close', () => reject(unreadable()))
  })
  return body.subarray(0, received)
}

function enlarge(body: Buffer, bytes: number, { pool, hold }: BodyOptions): Buffer {
  hold?.(bytes)
  const larger = pool.take(bytes)
  body.copy(larger)
  pool.give(body)
  return larger
}

/** Errors of zlib are the caller's; any other is that of a connection. */
function unreadable(error?: NodeJS.ErrnoException): ServiceError {
  const finding = error?.code?.startsWith('Z_')
    ? { found: 'damaged gzip data', expected: 'gzip (RFC 1952)' }
    : { found: 'a broken connection' }
  return new ServiceError('malformed_body', { field: 'the body', ...finding })
}
