/** The service as it runs in production: its own process, a Redis with the bundle's features, a bundle in a folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killWithUs } from '../../test/lib/after_us.ts'
import { startRedis } from '../../test/lib/redis.ts'
import { freePort } from '../../test/lib/redis_process.ts'

const READY_MS_MAX = 60_000
const STOP_MS_MAX = 15_000
const LOG_CHARACTERS_MAX = 2_000
const root = join(import.meta.dirname, '..', '..')

export type Service = { url: string; pid: number; stop(): Promise<void> }
export type Stack = Service & { redis_url: string }

export type StackOptions = { bundle: string; settings?: Record<string, string> }

export async function startStack({ bundle, settings = {} }: StackOptions): Promise<Stack> {
  const redis = await startRedis({ own: true })
  try {
    await loadFeatures({ bundle, redis_url: redis.url })
    const service = await startService({ ...settings, BUNDLE_DIR: bundle, REDIS_URL: redis.url })
    const stop = async () => {
      await service.stop()
      await redis.stop()
    }
    return { ...service, redis_url: redis.url, stop }
  } catch (error) {
    await redis.stop()
    throw error
  }
}

export async function loadFeatures({ bundle, redis_url }: { bundle: string; redis_url: string }): Promise<void> {
  await finished(node(['src/cli.ts', 'load', '--bundle', bundle, '--redis', redis_url]))
}

/** Several processes on one port, or one: their settings. */
export async function shareOf(processes: number): Promise<Record<string, string>[]> {
  const PORT = `${await freePort()}`
  const shares = []
  for (let index = 0; index < processes; index++) {
    shares.push(processes > 1 ? { PORT, ADMIN_PORT: `${await freePort()}`, REUSE_PORT: 'true' } : { PORT })
  }
  return shares
}

/** `checkout` is the folder whose code runs. Without a REDIS_URL the bundle's own features are served. */
export async function startService(environment: Record<string, string>, checkout = root): Promise<Service> {
  const port = environment.PORT ?? `${await freePort()}`
  const settings = { HOST: '127.0.0.1', PORT: port, LOG_LEVEL: 'warn', SHUTDOWN_DELAY_MS: '0' }
  const child = node(['--v8-pool-size=0', join(checkout, 'src', 'server.ts')], { ...settings, ...environment })
  const exited = once(child, 'exit')
  const log = lastLines(child)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await exited
    clearTimeout(kill)
  }
  const deadline_ms = Date.now() + READY_MS_MAX
  // Another process may answer on a shared port.
  const own_url = environment.ADMIN_PORT ? `http://127.0.0.1:${environment.ADMIN_PORT}` : url
  while (!(await isReady(own_url))) {
    if (child.exitCode !== null)
      throw new Error(`the service ended with code ${child.exitCode} before it was ready:\n${log()}`)
    if (Date.now() > deadline_ms) {
      await stop()
      throw new Error(`the service was not ready after ${READY_MS_MAX} ms`)
    }
    await sleep(50)
  }
  return { url, pid: child.pid!, stop }
}

const isReady = (url: string) =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

function node(args: string[], environment: Record<string, string> = {}): ChildProcess {
  // What the caller's shell sets for a service of its own must not change what is measured here.
  const env = { PATH: process.env.PATH, ...environment }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout!.resume()
  killWithUs(child)
  return child
}

/** The end of what the child prints, for the error that says why it ended. */
function lastLines(child: ChildProcess): () => string {
  let text = ''
  child.stdout!.on('data', (data) => {
    text = (text + data).slice(-LOG_CHARACTERS_MAX)
  })
  return () => text
}

async function finished(child: ChildProcess): Promise<void> {
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${child.spawnargs.slice(1).join(' ')}: exit code ${code}`)
}
