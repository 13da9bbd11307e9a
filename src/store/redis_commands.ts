/** One explicit pipeline and what its replies mean. */
import type { ChainableCommander, Cluster, Command, Pipeline, Redis } from 'ioredis'
import { maskedKey } from '../features/masked_key.ts'
import { EVENT_BYTES, SEQUENCE_EVENTS_MAX } from '../features/sequence.ts'
import { readCommand } from './read_command.ts'
import type { RedisClient } from './redis_client.ts'
import { StoreError, type StoreErrorKind } from './store.ts'

/** One key to read; `full_key` has prefix and version. */
export type Wanted = { key: string; full_key: string; kind: 'sequence' | 'value' | 'live_counts' }

export type Reply = Uint8Array | null | StoreError

/** A reply per wanted key; all of them must be in one slot of a Cluster. */
export async function runPipeline(client: RedisClient, wanted: readonly Wanted[]): Promise<Reply[]> {
  const commands = wanted.map(commandOf)
  const replies = 'slots' in client ? await sendToCluster(client, commands) : await sendTogether(client, commands)
  return wanted.map((one, index) => {
    const [error, value] = replies[index] ?? [new Error('no reply')]
    if (error) return replyError(one, error)
    return one.kind === 'sequence' ? joinEvents(one, value) : copyOf(value)
  })
}

type Answered = [error: Error | null, value?: unknown]

/**
 * A pipeline without a `Pipeline`, which V8 would keep until it collects the whole heap (read_command.ts): ioredis defines an
 * accessor on every one, and accessors are in the old generation.
 */
function sendTogether(redis: Redis, commands: readonly Command[]): Promise<Answered[]> {
  const stream: Redis['stream'] | undefined = redis.stream
  stream?.cork()
  const replies = commands.map(async (command): Promise<Answered> => {
    try {
      return [null, await redis.sendCommand(command)]
    } catch (error) {
      return [error as Error]
    }
  })
  stream?.uncork()
  return Promise.all(replies)
}

/** Only a `Pipeline` follows what moves to another node. */
async function sendToCluster(cluster: Cluster, commands: readonly Command[]): Promise<Answered[]> {
  const pipeline = cluster.pipeline() as ChainableCommander & Pick<Pipeline, 'sendCommand'>
  for (const command of commands) pipeline.sendCommand(command)
  return (await pipeline.exec()) ?? []
}

const LAST_EVENT = `${SEQUENCE_EVENTS_MAX - 1}`

const commandOf = ({ full_key, kind }: Wanted) =>
  kind === 'sequence' ? readCommand('lrange', [full_key, '0', LAST_EVENT]) : readCommand('get', [full_key])

/** First word of an error reply → what it means. */
const KINDS: Record<string, StoreErrorKind> = { WRONGTYPE: 'nonsense', OOM: 'full' }

/** Whether the server answered with something else than a feature, as opposed to not answering. */
export function replyError(wanted: Pick<Wanted, 'full_key' | 'kind'>, error: Error): StoreError {
  const kind = KINDS[error.message.split(' ', 1)[0]] ?? 'down'
  const shown = kind === 'nonsense' && wanted.kind === 'value' ? wanted.full_key : maskedKey(wanted.full_key)
  return new StoreError(kind, `${shown}: ${error.message}`, { cause: error })
}

function joinEvents(wanted: Wanted, value: unknown): Reply {
  const events = value as Buffer[]
  if (events.length === 0) return null
  const joined = new Uint8Array(events.length * EVENT_BYTES)
  for (let index = 0; index < events.length; index++) {
    const { length } = events[index]
    if (length === EVENT_BYTES) joined.set(events[index], index * EVENT_BYTES)
    else return oddEvent(wanted, `element ${index} has ${length} bytes, expected events of ${EVENT_BYTES}`)
  }
  return joined
}

const oddEvent = ({ full_key }: Wanted, found: string) => new StoreError('nonsense', `${maskedKey(full_key)}: ${found}`)

/** Its own, aligned memory: a reply is a piece of the socket's buffer, which a cached value would keep alive. */
function copyOf(value: unknown): Uint8Array | null {
  return value === null ? null : new Uint8Array(value as Buffer)
}
