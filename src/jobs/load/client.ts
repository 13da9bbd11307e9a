/** The Redis that a load writes to: one server or a Cluster, with the script of promote.ts. */
import { Cluster, type Redis, ReplyError, type Result } from 'ioredis'
import { withDeadline } from '../../store/deadline.ts'
import { createRedisClient, type RedisClient } from '../../store/redis_client.ts'
import { JobError } from '../run/job.ts'
import { PROMOTE_SEQUENCE } from './promote.ts'

const CONNECT_MS_MAX = 10_000

const CUT_OFF = ['AbortError', 'MaxRetriesPerRequestError', 'ClusterAllFailedError']
const GONE = /^(Connection is closed|Stream isn't writeable|Socket timeout|Cluster isn't ready|.*(ECONN|EPIPE))/

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
  /** What Redis refused, or its connection lost, as an error for people; any other error as it is. */
  explain(error: unknown): unknown
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
    explain(error: unknown) {
      if (isReply(error)) return new JobError(`${hostsOf(url)}: ${error.message}`, { cause: error })
      if (!isConnectionLost(error)) return error
      const { message } = last ?? error
      return new JobError(`${hostsOf(url)}: the connection was lost: ${message}`, { cause: error })
    },
    masters: () => (redis instanceof Cluster ? redis.nodes('master') : [redis]),
    close: () => redis.disconnect(),
  }
}

const isReply = (error: unknown): error is Error => error instanceof ReplyError

/** ioredis has classes for commands that were cut off; what it says where no connection is, is a plain Error. */
function isConnectionLost(error: unknown): error is Error {
  return error instanceof Error && (CUT_OFF.includes(error.name) || GONE.test(error.message))
}

/** The addresses without their passwords. */
export function hostsOf(urls: string): string {
  return urls
    .split(',')
    .map((url) => (URL.canParse(url) ? new URL(url).host : 'the address given'))
    .join(', ')
}
