/** Held-out requests: one JSON object per line, gzipped or not, as the training code's `export` writes them. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { JobError } from '../run/job.ts'

export type HeldOutRequest = {
  now_ms: number
  /** Body of POST /v1/prerank, sequence inline. */
  request: { user?: { id?: string }; candidates: (string | number)[]; candidate_features?: Record<string, number[]> }
  /** Gain by engaged item id. */
  engaged: Record<string, number>
}

export async function* readRequests(path: string): AsyncGenerator<HeldOutRequest> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  // Readline does not pass on errors of its input: the lines would just end.
  let failure: Error | undefined
  function fail(error: Error): void {
    failure = error
    lines.close()
  }
  file.on('error', fail)
  input.on('error', fail)
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() !== '') yield parseLine(line, `${path} line ${number}`)
  }
  if (failure) throw new JobError(`${path}: cannot be read: ${failure.message}`)
}

function parseLine(line: string, where: string): HeldOutRequest {
  let value: Partial<HeldOutRequest>
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new JobError(`${where}: not JSON: ${(error as Error).message}`)
  }
  if (
    !Number.isFinite(value?.now_ms) ||
    !Array.isArray(value.request?.candidates) ||
    typeof value.engaged !== 'object'
  ) {
    throw new JobError(`${where}: expected an object with now_ms, request (with candidates) and engaged`)
  }
  return value as HeldOutRequest
}
