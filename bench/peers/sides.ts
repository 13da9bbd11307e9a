/** Who takes part: how each is started over the same bundle and the same Redis. */
import { join } from 'node:path'
import { UNLIMITED } from '../service/unlimited.ts'
import type { Format } from '../service/workload.ts'
import { type Command, ROOT } from './process.ts'

export type Setting = { bundle: string; redis_url: string; python: string; graph: string; port: number }

export type Side = {
  name: string
  what: string
  formats: Format[]
  /** False for the echo, which computes nothing. */
  ranks: boolean
  command(setting: Setting): Command
}

const PEERS = 'bench/peers'
/** Each worker of the peers is one process per core; more threads inside would only take turns. */
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }

const prerank: Side = {
  name: 'prerank',
  what: 'this service, default settings except for limits that cut work short',
  formats: ['json', 'cbor'],
  ranks: true,
  command: ({ bundle, redis_url, port }) => ({
    command: process.execPath,
    args: ['src/server.ts'],
    environment: {
      HOST: '127.0.0.1',
      PORT: `${port}`,
      BUNDLE_DIR: bundle,
      REDIS_URL: redis_url,
      LOG_LEVEL: 'warn',
      SHUTDOWN_DELAY_MS: '0',
      // The others wait for Redis as long as it takes, and refuse nothing; leaving features or requests out would be less work.
      ...UNLIMITED,
    },
    ready_path: '/readyz',
  }),
}

const python = (layout: 'blobs' | 'hashes'): Side => ({
  name: `python ${layout}`,
  what: `FastAPI, uvicorn with 2 workers, ONNX Runtime, NumPy, redis-py with hiredis, orjson; counts as ${layout}`,
  formats: ['json'],
  ranks: true,
  command: ({ bundle, redis_url, python, port }) => ({
    command: python,
    args: [
      ...['-m', 'uvicorn', '--app-dir', `${PEERS}/python`, '--factory', 'app:create', '--workers', '2'],
      ...['--host', '127.0.0.1', '--port', `${port}`, '--no-access-log', '--log-level', 'warning'],
      // The default of 5 s closes connections that the load generator is about to use again.
      ...['--timeout-keep-alive', '75'],
    ],
    environment: {
      ...ONE_THREAD,
      PYTHONPATH: join(ROOT, 'models'),
      BUNDLE_DIR: bundle,
      REDIS_URL: redis_url,
      COUNTS: layout,
    },
    ready_path: '/healthz',
  }),
})

const node: Side = {
  name: 'node',
  what: 'Fastify, ONNX Runtime for tower and scoring graph on the main thread, ioredis HMGET',
  formats: ['json'],
  ranks: true,
  command: ({ bundle, redis_url, graph, port }) => ({
    command: process.execPath,
    args: [
      ...[`${PEERS}/node/server.ts`, '--bundle', bundle, '--graph', graph],
      ...['--redis', redis_url, '--port', `${port}`],
    ],
    ready_path: '/healthz',
  }),
}

const echo: Side = {
  name: 'echo',
  what: 'Fastify answering the same bytes without computing anything: the limit of the wire',
  formats: ['json', 'cbor'],
  ranks: false,
  command: ({ port }) => ({
    command: process.execPath,
    args: [`${PEERS}/node/echo.ts`, '--port', `${port}`],
    ready_path: '/healthz',
  }),
}

export const SIDES: Side[] = [prerank, python('blobs'), python('hashes'), node, echo]
