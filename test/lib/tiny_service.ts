/** The real service over a tiny bundle, in this process, on a free port. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decoder, Encoder } from 'cbor-x'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import type { CandidateExplanation } from '../../src/prerank/answer.ts'
import { startService } from '../../src/server.ts'
import { PATIENT } from './server_process.ts'
import { type TinyBundle, writeTinyBundle } from './tiny_bundle.ts'
import type { TinyOptions } from './tiny_manifest.ts'
import { type OracleEntry, type OracleRequest, tinyOracle } from './tiny_oracle.ts'

export type TinyService = {
  url: string
  /** Where ADMIN_PORT is set. */
  admin_url: string | null
  bundle: TinyBundle
  /** What the service should answer, from plain loops. */
  oracle(request: OracleRequest): Promise<OracleEntry[]>
  post(body: unknown, options?: PostOptions): Promise<Answer>
  stop(): Promise<void>
}

export type PostOptions = { cbor?: boolean; headers?: Record<string, string>; signal?: AbortSignal }

/** `body` is decoded from the format that came. */
export type Answer = { status: number; headers: Headers; body: AnswerBody }

/** Good answers and problems in one: a test reads the fields of the one it expects. */
export type AnswerBody = {
  request_id: string
  model: { name: string; version: string; fingerprint: string }
  ids: ArrayLike<number | string | bigint>
  scores: ArrayLike<number>
  counts: { candidates: number; scored: number; unknown: number; duplicates: number }
  degraded: string[]
  degraded_reasons?: Record<string, string>
  explain: (Omit<CandidateExplanation, 'position' | 'named'> & { id: number | string | bigint })[]
  type: string
  code: string
  detail: string
  field: string
  found: string
  expected: string
}

export async function startTinyService(
  options: TinyOptions & { environment?: Record<string, string> } = {},
): Promise<TinyService> {
  const directory = await mkdtemp(join(tmpdir(), 'prerank-'))
  const bundle = await writeTinyBundle(directory, options)
  const config = readConfig({
    BUNDLE_DIR: directory,
    HOST: '127.0.0.1',
    PORT: '0',
    SHUTDOWN_DELAY_MS: '0',
    // Far above what a busy machine takes, so that only a store that is really away degrades an answer.
    STORE_DEADLINE_MS: '2000',
    ...PATIENT,
    ...options.environment,
  })
  const service = await startService({ config, logger: pino({ level: 'silent' }) })
  await service.ready
  const score = await tinyOracle(bundle)
  return {
    url: service.url,
    admin_url: service.admin_url,
    bundle,
    oracle: (request) => score(request, Date.now()),
    post: (body, post_options) => post(`${service.url}/v1/prerank`, body, post_options),
    async stop() {
      await service.stop()
      await rm(directory, { recursive: true })
    },
  }
}

const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: true })
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false })

export const toCbor = (value: unknown): Buffer => encoder.encode(value)

/** Bytes go as they are; anything else is encoded. */
export async function post(
  url: string,
  body: unknown,
  { cbor = false, headers, signal }: PostOptions = {},
): Promise<Answer> {
  const bytes = body instanceof Uint8Array ? body : cbor ? toCbor(body) : Buffer.from(JSON.stringify(body))
  const response = await fetch(url, {
    method: 'POST',
    body: Uint8Array.from(bytes),
    headers: { 'content-type': cbor ? 'application/cbor' : 'application/json', ...headers },
    signal,
  })
  const answer = Buffer.from(await response.arrayBuffer())
  const isCbor = response.headers.get('content-type') === 'application/cbor'
  return {
    status: response.status,
    headers: response.headers,
    body: isCbor ? decoder.decode(answer) : JSON.parse(answer.toString()),
  }
}
