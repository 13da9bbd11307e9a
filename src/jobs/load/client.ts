/** The Redis that a load writes to: one server or a Cluster, with the script of promote.ts. */
import { Cluster, type Redis, type Result } from 'ioredis'
import { withDeadline } from '../../store/deadline.ts'
import { createRedisClient, type RedisClient } from '../../store/redis_client.ts'
import { JobError } from '../run/job.ts'
import { PROMOTE_SEQUENCE } from './promote.ts'

const CONNECT_MS_MAX = 10_000

export type Target = { url: string; cluster: boolean; prefix: string }

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** See promote.ts; 1 when the user's list was replaced. */
    promoteSequence(served: string, staged: string): Result<number, Context>
  }
}

export type Client = {
  redis: RedisClient
  /** Every server that holds keys. */
  masters(): Redis[]
  close(): void
}

export async function connectTarget({ url, cluster }: Target): Promise<Client> {
  const redis = createRedisClient({ url, cluster, connect_timeout_ms: CONNECT_MS_MAX })
  redis.defineCommand('promoteSequence', { numberOfKeys: 2, lua: PROMOTE_SEQUENCE })
  let last: Error | undefined
  // A lost connection rejects the commands that needed it; the event says why.
  redis.on('error', (error) => {
    last = error
  })
  try {
    await withDeadline(redis.connect(), CONNECT_MS_MAX)
  } catch (error) {
    redis.disconnect()
    const reason = last ?? (error as Error)
    throw new JobError(`${hostsOf(url)}: no Redis${cluster ? ' Cluster' : ''}: ${reason.message}`, { cause: error })
  }
  return {
    redis,
    masters: () => (redis instanceof Cluster ? redis.nodes('master') : [redis]),
    close: () => redis.disconnect(),
  }
}

/** The addresses without their passwords. */
export function hostsOf(urls: string): string {
  return urls
    .split(',')
    .map((url) => (URL.canParse(url) ? new URL(url).host : 'the address given'))
    .join(', ')
}
