/** `node src/server.ts` as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const SERVER = new URL('../../src/server.ts', import.meta.url).pathname
const PATIENCE_MS = 30_000
/** On a busy machine a request is not late, nor the service overloaded, unless that is what a test is about. */
export const PATIENT = { DEADLINE_MS: '60000', QUEUE_WAIT_MAX_MS: '20000', QUEUE_WAIT_STANDING_MS: '20000' }

export type ServerProcess = { child: ChildProcess; url: string; log: () => string; exited: Promise<number | null> }

/** Waits for a line of its log, as a rule the one that says it is ready, or for its end. */
export async function startServerProcess(
  environment: Record<string, string>,
  { until = /"msg":"ready"/ }: { until?: RegExp } = {},
): Promise<ServerProcess> {
  const variables = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...PATIENT, ...environment }
  const child = spawn(process.execPath, [SERVER], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const end_ms = Date.now() + PATIENCE_MS
  while (!until.test(log) && child.exitCode === null && Date.now() < end_ms) await sleep(20)
  return { child, url: /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0] ?? '', log: () => log, exited }
}
