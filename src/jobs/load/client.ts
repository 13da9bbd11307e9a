/** The Redis that a load writes to: one server or a Cluster, behind the few calls that differ between them. */
import { Cluster, Redis, type Result } from 'ioredis'
import { JobError } from '../run/job.ts'
import { PROMOTE_SEQUENCE } from './promote.ts'

const CONNECT_MS_MAX = 5000
const RETRIES_MAX = 3

export type Target = { url: string; cluster: boolean; prefix: string }

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** See promote.ts; 1 when the user's list was replaced. */
    promoteSequence(served: string, staged: string): Result<number, Context>
  }
}

export type Client = {
  redis: Redis | Cluster
  /** Every server that holds keys. */
  masters(): Redis[]
  close(): void
}

export async function connectTarget({ url, cluster }: Target): Promise<Client> {
  const options = {
    connectTimeout: CONNECT_MS_MAX,
    maxRetriesPerRequest: RETRIES_MAX,
    scripts: { promoteSequence: { numberOfKeys: 2, lua: PROMOTE_SEQUENCE } },
  }
  const redis = cluster
    ? new Cluster([url], {
        redisOptions: options,
        scripts: options.scripts,
        lazyConnect: true,
        clusterRetryStrategy: giveUp,
      })
    : new Redis(url, { ...options, lazyConnect: true, retryStrategy: giveUp })
  // Without a listener a lost connection is an uncaught exception; the command that needed it rejects anyway.
  let last: Error | undefined
  redis.on('error', (error) => {
    last = error
  })
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw new JobError(`${hostOf(url)}: no Redis${cluster ? ' Cluster' : ''}: ${messageOf(last ?? error)}`)
  }
  return {
    redis,
    masters: () => (redis instanceof Cluster ? redis.nodes('master') : [redis]),
    close: () => redis.disconnect(),
  }
}

/** Waits a little longer each time, then stops trying: a job that cannot write should say so. */
function giveUp(attempts: number): number | null {
  return attempts > RETRIES_MAX ? null : attempts * 200
}

/** The address without its password. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address given'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
