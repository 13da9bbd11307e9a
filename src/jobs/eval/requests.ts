/** Held-out requests: one JSON object per line, gzipped or not, as the training code's `export` writes them. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip, type Gunzip } from 'node:zlib'
import { JobError } from '../run/job.ts'

export type HeldOutRequest = {
  now_ms: number
  /** Body of POST /v1/prerank, sequence inline. */
  request: {
    query: { text: string }
    user?: { id?: string; [field: string]: unknown }
    candidates: (string | number)[]
    candidate_features?: Record<string, number[]>
  }
  /** Gain by engaged item id. */
  engaged: Record<string, number>
}

export async function* readRequests(path: string): AsyncGenerator<HeldOutRequest> {
  let number = 0
  for await (const line of readLines(path)) {
    number++
    if (line.trim() !== '') yield parseLine(line, `${path} line ${number}`)
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? createGunzip() : file
  // A pipe does not pass errors on.
  if (input !== file) file.on('error', (error) => input.destroy(error)).pipe(input as Gunzip)
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    throw new JobError(`${path}: cannot be read: ${(error as Error).message}`)
  } finally {
    file.destroy()
  }
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
