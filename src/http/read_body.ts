/** The bytes of a body, within a limit before and after decompression. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ServiceError } from '../errors.ts'
import type { BodyPool } from './body_pool.ts'

const unzip = promisify(gunzip)

export type BodyOptions = {
  bytes_max: number
  pool: BodyPool
  /** Told how much memory the body takes, before it takes it; may refuse by throwing. */
  hold?: (bytes: number) => void
  /** Nobody waits for the body any more. */
  signal?: AbortSignal
}

/** What it returns may be given back to the pool. */
export async function readBody(stream: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  const { bytes_max, pool, hold } = options
  const encoding = encodingOf(stream.headers)
  const body = await collect(stream, options)
  if (body.length === 0)
    throw new ServiceError('malformed_body', { field: 'the body', found: 'nothing', expected: 'JSON or CBOR' })
  if (encoding === 'identity') return body
  // As much as it may become; a gzip body can grow a thousandfold.
  hold?.(body.length + bytes_max)
  const plain = await decompress(body, bytes_max)
  hold?.(plain.length)
  pool.give(body)
  return plain
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

async function collect(stream: IncomingMessage, options: BodyOptions): Promise<Buffer> {
  const { bytes_max, signal } = options
  const announced = Number(stream.headers['content-length'] ?? 0)
  if (announced > bytes_max) throw tooLarge(`${announced} bytes`, bytes_max)
  // The announced length is not taken before the first byte is there.
  let body: Buffer = Buffer.alloc(0)
  let received = 0
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      const end = received + chunk.length
      if (end > bytes_max) throw tooLarge(`more than ${bytes_max} bytes`, bytes_max)
      if (end > body.length) body = enlarge(body, Math.max(announced, end, 2 * body.length), options)
      chunk.copy(body, received)
      received = end
    }
    const stop = (reason: unknown) => {
      stream.off('data', onData).resume()
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
    stream.on('data', onData)
    stream.once('end', resolve)
    stream.once('error', () =>
      reject(new ServiceError('malformed_body', { field: 'the body', found: 'a broken connection' })),
    )
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

async function decompress(body: Buffer, bytes_max: number): Promise<Buffer> {
  try {
    return await unzip(body, { maxOutputLength: bytes_max })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(`more than ${bytes_max} bytes after decompression`, bytes_max)
    }
    throw new ServiceError('malformed_body', {
      field: 'the body',
      found: 'damaged gzip data',
      expected: 'gzip (RFC 1952)',
    })
  }
}
