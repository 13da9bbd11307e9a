/**
 * A Redis for a test file: `startRedis()` and `startRedisCluster()`.
 *
 * With REDIS_URL set, `startRedis()` uses that server instead of one of its own: it claims the first empty database
 * of 15…1 with a marker key, and `stop()` flushes that database and nothing else. A database that held anything
 * before is never touched. Faults (pause, kill, restart) need a process of ours: `startRedis({ own: true })`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort, launchRedis, type RedisProcess, redisCommand } from './redis_process.ts'

const CLAIM_KEY = 'prerank-test-claim'
const START_ATTEMPTS = 5
const CLUSTER_NODES = 3
const CLUSTER_MS_MAX = 30_000

export type TestRedis = {
  url: string
  port: number
  /** Ends the server (or empties the claimed database); calling it again does nothing. */
  stop(): Promise<void>
  /** SIGSTOP: connections stay open and nothing is answered, as with a swapping or hung server. */
  pause(): void
  resume(): void
  /** SIGKILL; `restart()` brings an empty server back on the same port. */
  kill(): Promise<void>
  restart(): Promise<void>
}

export type TestRedisOptions = {
  /** Start a process even where REDIS_URL is set. */
  own?: boolean
  /** More arguments of redis-server, such as `--maxmemory 2mb`. */
  args?: string[]
}

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const shared = process.env.REDIS_URL
  const own = options.own || options.args !== undefined || !shared
  return own ? ownRedis(options.args ?? []) : claimDatabase(shared)
}

async function ownRedis(args: string[]): Promise<TestRedis> {
  const launched = await launchOnFreePort(() => args)
  const { port } = launched
  let { node } = launched
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: () => node.end(),
    pause: () => node.signal('SIGSTOP'),
    resume: () => node.signal('SIGCONT'),
    kill: () => node.end(),
    restart: async () => {
      await node.end()
      node = await launchRedis({ port, args })
    },
  }
}

/** Between finding a free port and binding it another process may take it, hence more than one attempt. */
async function launchOnFreePort(argsOf: (bus_port: number) => string[]): Promise<{ port: number; node: RedisProcess }> {
  for (let attempt = 1; ; attempt++) {
    const [port, bus_port] = await Promise.all([freePort(), freePort()])
    try {
      return { port, node: await launchRedis({ port, args: argsOf(bus_port) }) }
    } catch (error) {
      if (attempt === START_ATTEMPTS || !/in use/i.test(`${error}`)) throw error
    }
  }
}

async function claimDatabase(url: string): Promise<TestRedis> {
  for (let db = 15; db >= 1; db--) {
    const claimed = new URL(url)
    claimed.pathname = `/${db}`
    const client = new Redis(claimed.href, { maxRetriesPerRequest: 1 })
    if ((await client.dbsize()) === 0 && (await client.set(CLAIM_KEY, process.pid, 'NX')) === 'OK') {
      return sharedRedis(claimed, client)
    }
    client.disconnect()
  }
  throw new Error('REDIS_URL: none of its databases 1…15 is empty; empty one or unset REDIS_URL to start a server')
}

function sharedRedis(url: URL, client: Redis): TestRedis {
  const needsOwn = () => {
    throw new Error('the server behind REDIS_URL is not ours to disturb; use startRedis({ own: true })')
  }
  return {
    url: url.href,
    port: Number(url.port || 6379),
    stop: async () => {
      if (client.status === 'end') return
      await client.flushdb()
      await client.quit()
    },
    pause: needsOwn,
    resume: needsOwn,
    kill: needsOwn,
    restart: needsOwn,
  }
}

export type TestRedisCluster = {
  /** Of the first node, which is enough to discover the others. */
  url: string
  urls: string[]
  ports: number[]
  pause(node: number): void
  resume(node: number): void
  kill(node: number): Promise<void>
  stop(): Promise<void>
}

export type TestRedisClusterOptions = {
  /** Nodes 3, 4, … follow masters 0, 1, … */
  replicas?: number
  /** After that long without an answer a node counts as dead and its replica takes over. */
  node_timeout_ms?: number
}

/** Three masters with a third of the slots each; resolves when every node says cluster_state:ok. */
export async function startRedisCluster(options: TestRedisClusterOptions = {}): Promise<TestRedisCluster> {
  const { replicas = 0, node_timeout_ms = 15_000 } = options
  const nodes: { port: number; bus_port: number; node: RedisProcess }[] = []
  for (let index = 0; index < CLUSTER_NODES + replicas; index++) nodes.push(await launchClusterNode(node_timeout_ms))
  const stop = async () => {
    await Promise.all(nodes.map(({ node }) => node.end()))
  }
  try {
    await formCluster(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  const urls = nodes.map(({ port }) => `redis://127.0.0.1:${port}`)
  return {
    url: urls[0],
    urls,
    ports: nodes.map(({ port }) => port),
    pause: (index) => nodes[index].node.signal('SIGSTOP'),
    resume: (index) => nodes[index].node.signal('SIGCONT'),
    kill: (index) => nodes[index].node.end(),
    stop,
  }
}

async function launchClusterNode(node_timeout_ms: number) {
  let bus_port = 0
  const launched = await launchOnFreePort((port) => {
    bus_port = port
    // The default, port + 10000, is beyond 65535 for most free ports.
    return ['--cluster-enabled', 'yes', '--cluster-port', `${port}`, '--cluster-node-timeout', `${node_timeout_ms}`]
  })
  return { ...launched, bus_port }
}

async function formCluster(nodes: { port: number; bus_port: number }[]): Promise<void> {
  const slots = 16384
  for (const [index, { port }] of nodes.slice(0, CLUSTER_NODES).entries()) {
    const first = Math.ceil((index * slots) / CLUSTER_NODES)
    const last = Math.ceil(((index + 1) * slots) / CLUSTER_NODES) - 1
    await expectOk(port, `CLUSTER ADDSLOTSRANGE ${first} ${last}`)
    await expectOk(port, `CLUSTER SET-CONFIG-EPOCH ${index + 1}`)
  }
  for (const { port, bus_port } of nodes.slice(1)) {
    await expectOk(nodes[0].port, `CLUSTER MEET 127.0.0.1 ${port} ${bus_port}`)
  }
  await until(async () => (await Promise.all(nodes.map(({ port }) => knowsAll(port)))).every(Boolean), nodes[0].port)
  for (const [index, { port }] of nodes.slice(CLUSTER_NODES).entries()) {
    const id = /[0-9a-f]{40}/.exec(await redisCommand(nodes[index].port, 'CLUSTER MYID'))?.[0]
    await until(async () => (await redisCommand(port, `CLUSTER REPLICATE ${id}`)).startsWith('+OK'), port)
    await until(async () => (await redisCommand(port, 'INFO replication')).includes('master_link_status:up'), port)
  }
}

async function until(isSo: () => Promise<boolean>, port: number): Promise<void> {
  const deadline_ms = Date.now() + CLUSTER_MS_MAX
  while (!(await isSo())) {
    if (Date.now() > deadline_ms)
      throw new Error(`redis cluster not formed: ${await redisCommand(port, 'CLUSTER INFO')}`)
    await sleep(50)
  }
}

async function knowsAll(port: number): Promise<boolean> {
  const info = await redisCommand(port, 'CLUSTER INFO')
  return info.includes('cluster_state:ok') && info.includes(`cluster_size:${CLUSTER_NODES}`)
}

async function expectOk(port: number, line: string): Promise<void> {
  const reply = await redisCommand(port, line)
  if (!reply.startsWith('+OK')) throw new Error(`redis on port ${port}: ${line} → ${reply.trim()}`)
}
