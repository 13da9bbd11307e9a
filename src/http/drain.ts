/**
 * The rest of a body after its request was answered early. It has to leave the connection before the next request can come;
 * closing the connection instead would make the client lose the answer, and come back with a new connection.
 */
import type { IncomingMessage } from 'node:http'

/** Whether Node drops the rest by itself, or there is none. */
export function isDropped(stream: IncomingMessage, bytes_max: number): boolean {
  return stream.complete || Number(stream.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= bytes_max
}

/**
 * What is left is read and dropped, up to the size that a body may have; beyond, the connection ends. Answers whether the
 * connection will serve another request.
 */
export function drain(stream: IncomingMessage, bytes_max: number): boolean {
  if (isDropped(stream, bytes_max)) return true
  let left = bytes_max
  stream.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) stream.destroy()
  })
  return false
}
