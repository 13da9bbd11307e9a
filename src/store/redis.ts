/**
 * The feature store on Redis: one pipeline per request, which it shares with others (on a Cluster one per slot, in parallel),
 * less what the value cache knows; what engagements change (sequences, live counts) is never in the cache. A node that does
 * not answer is left alone by its breaker; what other nodes and the cache have is used.
 */
import type { Breaker } from './breaker.ts'
import { clusterSlot } from './cluster_slot.ts'
import { withDeadline } from './deadline.ts'
import { type Loaded, watchLoaded } from './loaded.ts'
import { createRedisClient, type RedisClient, type RedisClientOptions } from './redis_client.ts'
import type { Reply, Wanted } from './redis_commands.ts'
import { createHealth, type Health } from './redis_health.ts'
import { writeAll } from './redis_writes.ts'
import { defineScripts } from './scripts.ts'
import { type ReadShared, shareReads } from './shared_reads.ts'
import { type FeatureStore, type StoreAnswer, StoreError, type StoreRead } from './store.ts'
import { createValueCache, type ValueCache, type ValueCacheOptions } from './value_cache.ts'
import { type VersionPointer, watchVersion } from './version_pointer.ts'

const VERSION_REFRESH_MS = 1000

export type RedisStoreOptions = RedisClientOptions & {
  prefix: string
  /** Reads that were given at least this long and still were late count against the breaker. */
  deadline_ms: number
  cache: ValueCacheOptions
  version_refresh_ms?: number
  onCacheRead?: (read: { hits: number; misses: number }) => void
}

/** Resolves after one attempt to connect, successful or not: a store that is away degrades answers, it does not stop the service. */
export async function openRedisStore(options: RedisStoreOptions): Promise<FeatureStore> {
  const { connect_timeout_ms, prefix, version_refresh_ms = VERSION_REFRESH_MS } = options
  const client = createRedisClient(options)
  defineScripts(client)
  const cache = createValueCache(options.cache)
  const pointer = watchVersion({
    read: () => client.get(`${prefix}current`),
    refresh_ms: version_refresh_ms,
    timeout_ms: connect_timeout_ms,
    onChange() {
      cache.clear()
      loaded.forget()
    },
  })
  const loaded = watchLoaded(pointer, prefix)
  const health = createHealth({ client, pointer, loaded })
  const readShared = shareReads(client)
  await withDeadline(client.connect(), connect_timeout_ms).catch(() => {})
  await pointer.refresh()
  return {
    read: (request, deadline_ms) =>
      readFeatures({ client, readShared, cache, pointer, loaded, options, ...health }, request, deadline_ms),
    write: (writes, write_options) => writeAll({ client, prefix, ...health }, writes, write_options),
    state: health.state,
    async close() {
      pointer.close()
      client.disconnect()
    },
  }
}

type Reader = {
  client: RedisClient
  readShared: ReadShared
  cache: ValueCache
  pointer: VersionPointer
  loaded: Loaded
  options: RedisStoreOptions
  breakerOf: Health['breakerOf']
}

async function readFeatures(reader: Reader, request: StoreRead, deadline_ms: number): Promise<StoreAnswer> {
  const { cache, pointer, loaded, options } = reader
  const { prefix } = options
  // The version of this read, which may not be the store's any more when the replies are there.
  const { version } = pointer
  if (version === undefined) throw new StoreError('down', pointer.problem ?? 'not connected yet')
  const versioned = version === null ? prefix : `${prefix}${version}:`
  const cached = request.values.map((key) => cache.get(versioned + key))
  const misses = request.values.filter((_, index) => cached[index] === undefined)
  options.onCacheRead?.({ hits: cached.length - misses.length, misses: misses.length })
  const wanted: Wanted[] = [
    ...(request.sequence === null ? [] : [request.sequence]).map((key) => ({
      key,
      full_key: prefix + key,
      kind: 'sequence' as const,
    })),
    ...misses.map((key) => ({ key, full_key: versioned + key, kind: 'value' as const })),
    ...request.live.map((key) => ({ key, full_key: prefix + key, kind: 'live_counts' as const })),
  ]
  const replies = await fetchAll(reader, wanted, deadline_ms)
  for (const { full_key, key, kind } of wanted) {
    if (kind !== 'value') continue
    const reply = loaded.judge(replies.get(key) ?? null, version)
    replies.set(key, reply)
    if (!(reply instanceof StoreError)) cache.set(full_key, reply)
  }
  return answerOf(request, cached, replies)
}

/** Rejects only when there is nothing at all to go on with. */
function answerOf(
  request: StoreRead,
  cached: readonly (Uint8Array | null | undefined)[],
  replies: ReadonlyMap<string, Reply>,
): StoreAnswer {
  const problems = [...replies].flatMap(([key, reply]) => (reply instanceof StoreError ? [{ key, error: reply }] : []))
  const asked = request.values.length + request.live.length + (request.sequence === null ? 0 : 1)
  if (asked > 0 && problems.length === asked) throw problems[0].error
  const featureOf = (key: string) => {
    const reply = replies.get(key) ?? null
    return reply instanceof StoreError ? null : reply
  }
  return {
    sequence: request.sequence === null ? null : featureOf(request.sequence),
    values: request.values.map((key, index) => cached[index] ?? featureOf(key)),
    live: request.live.map(featureOf),
    problems,
  }
}

async function fetchAll(reader: Reader, wanted: readonly Wanted[], deadline_ms: number): Promise<Map<string, Reply>> {
  const groups = 'slots' in reader.client ? bySlot(wanted) : [wanted]
  const replies = await Promise.all(groups.map((group) => fetchGroup(reader, group, deadline_ms)))
  return new Map(groups.flatMap((group, g) => group.map(({ key }, index) => [key, replies[g][index]] as const)))
}

async function fetchGroup(reader: Reader, group: readonly Wanted[], deadline_ms: number): Promise<Reply[]> {
  if (group.length === 0) return []
  const { pointer, options } = reader
  if (!pointer.confirmed) return refuseAll(group, new StoreError('down', pointer.problem ?? 'no connection'))
  const breaker = reader.breakerOf(group[0].full_key)
  const decision = breaker.ask()
  if (decision === 'go') return attempt(reader, breaker, { group, deadline_ms })
  // Nobody waits for the trial, or a dead node would still cost some requests their time.
  if (decision === 'trial') void attempt(reader, breaker, { group, deadline_ms: options.deadline_ms })
  return refuseAll(group, new StoreError('down', 'Redis did not answer lately; it is tried again shortly'))
}

type Attempt = { group: readonly Wanted[]; deadline_ms: number }

async function attempt({ readShared, options }: Reader, breaker: Breaker, { group, deadline_ms }: Attempt) {
  try {
    const replies = await withDeadline(readShared(group), deadline_ms)
    if (replies.some((reply) => reply instanceof StoreError && reply.kind === 'down')) breaker.failed()
    else breaker.succeeded()
    return replies
  } catch (error) {
    const failure =
      error instanceof StoreError ? error : new StoreError('down', (error as Error).message, { cause: error })
    if (failure.kind !== 'late' || deadline_ms >= options.deadline_ms) breaker.failed()
    return refuseAll(group, failure)
  }
}

function refuseAll(group: readonly Wanted[], error: StoreError): StoreError[] {
  return group.map(() => error)
}

function bySlot(wanted: readonly Wanted[]): Wanted[][] {
  return [...Map.groupBy(wanted, ({ full_key }) => clusterSlot(full_key)).values()]
}
