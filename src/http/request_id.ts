/** The id of a request: the caller's, where it can be logged and sent back as it is, or a new one. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { REQUEST_ID_PATTERN } from '../prerank/body.ts'

const REQUEST_ID = new RegExp(REQUEST_ID_PATTERN)

export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}
