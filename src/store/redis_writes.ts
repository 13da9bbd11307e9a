/** Engagements into Redis: one script call per key, all of them at once; each key answers for itself. */
import type { Breaker } from './breaker.ts'
import { withDeadline } from './deadline.ts'
import type { RedisClient } from './redis_client.ts'
import { replyError } from './redis_commands.ts'
import { WRITTEN } from './scripts.ts'
import { StoreError, type StoreWrite, type WriteOptions, type Written } from './store.ts'
import { firstDay, liveTtl } from './write_rules.ts'

export type Writer = { client: RedisClient; prefix: string; breakerOf(full_key: string): Breaker }

export function writeAll(writer: Writer, writes: readonly StoreWrite[], options: WriteOptions) {
  return Promise.all(writes.map((write) => writeKey(writer, write, options)))
}

async function writeKey(writer: Writer, write: StoreWrite, options: WriteOptions): Promise<Written[] | StoreError> {
  const full_key = writer.prefix + write.key
  const breaker = writer.breakerOf(full_key)
  if (breaker.ask() === 'stop') return new StoreError('down', 'Redis did not answer lately; it is tried again shortly')
  try {
    const written = await withDeadline(
      callScript(writer.client, { ...write, key: full_key }, options),
      options.deadline_ms,
    )
    breaker.succeeded()
    return written.map((index) => WRITTEN[index])
  } catch (error) {
    // A server that refuses (wrong type, out of memory) is alive, and can be read.
    if ((error as Error).name === 'ReplyError') breaker.succeeded()
    else breaker.failed()
    return error instanceof StoreError ? error : replyError({ full_key, kind: write.kind }, error as Error)
  }
}

function callScript(client: RedisClient, { kind, key, events }: StoreWrite, { now_ms, limits }: WriteOptions) {
  const seen = [now_ms, limits.ids_ttl_ms, limits.ids_max]
  const pairs = events.flatMap(({ id, value }) => [Buffer.from(id), Buffer.from(value)])
  if (kind === 'sequence') return client.appendSequence(key, `${key}:seen`, ...seen, limits.sequence_ttl_ms, ...pairs)
  const days = [liveTtl(limits), firstDay(limits, now_ms), limits.live_items_max]
  return client.addLiveCounts(key, `${key}:seen`, `${key}:index`, ...seen, ...days, ...pairs)
}
