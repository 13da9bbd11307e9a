/**
 * Connections to Redis, standalone or Cluster. Nothing waits without a limit: no queue while there is no connection, no
 * resending, and a socket that stays silent is given up.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'

export type RedisClient = Redis | Cluster

export type RedisClientOptions = {
  /** `redis://` or `rediss://`, with user, password and database; for a Cluster also several, separated by commas. */
  url: string
  cluster: boolean
  connect_timeout_ms: number
}

const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 1000

export function createRedisClient({ url, cluster, connect_timeout_ms }: RedisClientOptions): RedisClient {
  const options = {
    connectTimeout: connect_timeout_ms,
    socketTimeout: connect_timeout_ms,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: 'prerank',
    lazyConnect: true,
  } satisfies RedisOptions
  return cluster
    ? clusterClient(url, options)
    : new Redis(url, { ...options, enableOfflineQueue: false, retryStrategy })
}

function clusterClient(urls: string, options: Omit<RedisOptions, 'host' | 'port'>): Cluster {
  const nodes = urls.split(',').map((url) => new URL(url))
  const [{ username, password, protocol }] = nodes
  const cluster_options = {
    enableOfflineQueue: false,
    maxRedirections: 3,
    slotsRefreshTimeout: options.connectTimeout,
    clusterRetryStrategy: retryStrategy,
    clusterNodeRetryStrategy: retryStrategy,
    redisOptions: {
      ...options,
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      tls: protocol === 'rediss:' ? {} : undefined,
    } as ClusterOptions['redisOptions'],
    lazyConnect: true,
  } satisfies ClusterOptions
  return new Cluster(
    nodes.map(({ hostname, port }) => ({ host: hostname, port: Number(port || 6379) })),
    cluster_options,
  )
}

function retryStrategy(attempts: number): number {
  const delay_ms = Math.min(RETRY_MS_MIN * 2 ** Math.min(attempts, 10), RETRY_MS_MAX)
  // Servers of one fleet should not come back in step.
  return delay_ms * (0.75 + Math.random() / 2)
}
