/**
 * One redis-server process of a test: started on a free port, without persistence, and never outliving the test process.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killWithUs } from './after_us.ts'
import { DOCKER_IMAGE, findRedis } from './redis_binary.ts'

const START_MS_MAX = 60_000

export type RedisProcess = {
  signal(name: NodeJS.Signals): void
  /** SIGKILL, which ends a stopped process too; resolves when it is gone. */
  end(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error(`no port in ${address}`)
  return address.port
}

/** Resolves when the server answers PING. */
export async function launchRedis(options: { port: number; args: string[] }): Promise<RedisProcess> {
  const args = ['--port', `${options.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...options.args]
  const started = start(options.port, args)
  let output = ''
  for (const stream of [started.child.stdout, started.child.stderr]) stream?.on('data', (data) => (output += data))
  const exited = once(started.child, 'exit')
  const deadline_ms = Date.now() + START_MS_MAX
  while (!(await answers(options.port))) {
    if (started.child.exitCode !== null) throw new Error(`redis-server on port ${options.port} ended:\n${output}`)
    if (Date.now() > deadline_ms)
      throw new Error(`redis-server on port ${options.port} did not answer PING:\n${output}`)
    await sleep(10)
  }
  const end = async () => {
    started.child.ref()
    started.signal('SIGKILL')
    await exited
  }
  return { signal: started.signal, end }
}

type Started = { child: ChildProcess; signal(name: NodeJS.Signals): void }

function start(port: number, args: string[]): Started {
  const redis = findRedis()
  if (redis.kind === 'docker') {
    const name = `prerank-test-${process.pid}-${port}`
    const run = ['run', '--rm', '--network', 'host', '--name', name, DOCKER_IMAGE, 'redis-server', ...args]
    const child = unwatched(spawn('docker', run, { stdio: ['ignore', 'pipe', 'pipe'] }))
    killWithUs(child, `docker kill ${name}`)
    return { child, signal: (signal) => void spawnSync('docker', ['kill', '--signal', signal, name]) }
  }
  const folder = mkdtempSync(join(tmpdir(), 'prerank-redis-'))
  const child = unwatched(spawn(redis.command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder }))
  killWithUs(child, `kill -9 ${child.pid}; rm -rf "${folder}"`)
  return { child, signal: (signal) => void child.kill(signal) }
}

/** A server that a test forgot must not keep the finished test process alive. */
function unwatched(child: ChildProcess): ChildProcess {
  child.unref()
  for (const stream of [child.stdout, child.stderr] as unknown as { unref(): void }[]) stream.unref()
  return child
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await redisCommand(port, 'PING')).startsWith('+PONG')
  } catch {
    return false
  }
}

/** Sends one inline command to a server of ours and resolves with the start of its raw reply. */
export function redisCommand(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(`${line}\r\n`))
    socket.setTimeout(5_000, () => socket.destroy(new Error(`redis on port ${port} did not answer ${line}`)))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () =>
      reject(new Error(`redis on port ${port} closed the connection before answering ${line}`)),
    )
  })
}
