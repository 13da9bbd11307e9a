/** One lane's way to the service: JSON, CBOR or gzip, at random. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Decoder, Encoder } from 'cbor-x'
import type { Random } from '../lib/random.ts'

export type WireAnswer = { status: number; body: Record<string, unknown>; took_ms: number; format: string }

const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: true })
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false })
const compress = promisify(gzip)

export async function send(
  url: string,
  body: object,
  options: { random: Random; signal?: AbortSignal },
): Promise<WireAnswer> {
  const { random, signal } = options
  const is_cbor = random.uniform() < 0.5
  const is_gzip = random.uniform() < 0.2
  const type = is_cbor ? 'application/cbor' : 'application/json'
  const plain = is_cbor ? encoder.encode(typed(body)) : Buffer.from(JSON.stringify(body))
  const bytes = is_gzip ? await compress(plain) : plain
  const headers = { 'content-type': type, ...(is_gzip && { 'content-encoding': 'gzip' }) }
  const start_ms = performance.now()
  const response = await fetch(url, { method: 'POST', body: new Uint8Array(bytes), headers, signal })
  const answer = Buffer.from(await response.arrayBuffer())
  const took_ms = performance.now() - start_ms
  const decoded =
    response.headers.get('content-type') === 'application/cbor' ? decoder.decode(answer) : JSON.parse(`${answer}`)
  return {
    status: response.status,
    body: decoded,
    took_ms,
    format: `${is_gzip ? 'gzip ' : ''}${is_cbor ? 'CBOR' : 'JSON'}`,
  }
}

/** What a caller that speaks CBOR sends: keys and columns as typed arrays; undefined fields are left out. */
function typed(body: object): object {
  const { candidates, candidate_features, ...rest } = JSON.parse(JSON.stringify(body))
  if (!candidates) return rest
  const columns = Object.entries(candidate_features ?? {}).map(([name, values]) => [
    name,
    Float32Array.from(values as number[]),
  ])
  return {
    ...rest,
    candidates: BigUint64Array.from(candidates, BigInt),
    ...(candidate_features && { candidate_features: Object.fromEntries(columns) }),
  }
}
