/**
 * The whole configuration: one schema gives the environment variables, their units, defaults, limits and documentation.
 * The variable of `store_deadline_ms` is STORE_DEADLINE_MS.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { DAY_MS } from './day.ts'

const integer = (unit: string, description: string, range: { default: number; minimum: number; maximum: number }) =>
  Type.Integer({ ...range, unit, description })
const text = (description: string, options: { default?: string; secret?: boolean } = {}) =>
  Type.String({ ...options, description })
const choice = <const T extends string>(description: string, values: readonly T[], byDefault: T) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { default: byDefault, description },
  ) as unknown as ReturnType<typeof Type.Unsafe<T>>

const MIB = 1024 * 1024

export const ConfigSchema = Type.Object({
  host: text('Address to listen on.', { default: '0.0.0.0' }),
  port: integer('', 'Port to listen on; 0 takes a free one.', { default: 8080, minimum: 0, maximum: 65535 }),
  reuse_port: choice(
    '`true` where several processes of one machine listen on PORT, between which the system spreads connections (Linux ' +
      'and BSD). Each needs an ADMIN_PORT of its own.',
    ['false', 'true'],
    'false',
  ),
  admin_port: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65535,
      description: 'Port of its own for `/metrics` and `/v1/admin`; without it they are on PORT. 0 takes a free one.',
    }),
  ),
  admin_host: text('Address that ADMIN_PORT listens on.', { default: '127.0.0.1' }),
  api_keys_file: Type.Optional(
    text(
      'File of keys, one `name:scope,scope:sha256` per line (`npx prerank key new` makes one), read again when it ' +
        'changes. Without it anyone may call everything.',
    ),
  ),
  rate_limit_candidates_per_s: integer(
    'candidates/s',
    'Candidates that one key may send; without keys, all callers together. 0 sets no limit.',
    { default: 0, minimum: 0, maximum: 1_000_000_000 },
  ),
  rate_limit_burst: integer('candidates', 'Candidates that may come at once after a pause; no request may have more.', {
    default: 200_000,
    minimum: 1,
    maximum: 1_000_000_000,
  }),
  tls_cert_file: Type.Optional(
    text('Certificate chain, PEM, read again when it changes. With TLS_KEY_FILE both ports speak TLS 1.2 or newer.'),
  ),
  tls_key_file: Type.Optional(text('Private key of the certificate, PEM.')),
  tls_client_ca_file: Type.Optional(
    text('Authority, PEM, that must have signed the certificate of every caller (mutual TLS).'),
  ),
  log_level: choice(
    'Least severe level that is logged.',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
  ),

  bundle_dir: text(
    'Directory of the bundle to serve, or a directory of bundles in which `current` (a link, or a file with its name) points at one.',
    { default: 'models/demo' },
  ),
  bundle_poll_ms: integer('ms', 'How often it is looked whether `current` points at another bundle; 0 never looks.', {
    default: 1000,
    minimum: 0,
    maximum: 3_600_000,
  }),
  prerank_kernel: choice(
    'Scoring kernel. `auto` takes the native one where it is built, else the reference.',
    ['auto', 'native', 'reference'],
    'auto',
  ),
  tower_precision: choice(
    'Query tower file. `manifest` leaves the choice to the bundle.',
    ['manifest', 'float32', 'int8'],
    'manifest',
  ),
  tower_workers: integer('threads', 'Worker threads that run the query tower, one session each.', {
    default: 1,
    minimum: 1,
    maximum: 64,
  }),
  tower_threads: integer('threads', 'Threads inside one session.', { default: 1, minimum: 1, maximum: 64 }),
  tower_batch_max: integer('requests', 'Requests that may share one run of the query tower.', {
    default: 16,
    minimum: 1,
    maximum: 256,
  }),
  tower_batch_wait_ms: Type.Number({
    default: 0,
    minimum: 0,
    maximum: 50,
    unit: 'ms',
    description: 'How long an idle worker waits for a fuller batch while others are busy; a lone request never waits.',
  }),
  compute_nice: integer(
    'steps',
    'Added on Linux to the niceness of the threads that compute (tower and kernel), so that where cores are few reading, refusing and answering need not wait for them. For containers, whose niceness is their own.',
    { default: 0, minimum: 0, maximum: 19 },
  ),
  tower_queue_max: integer('requests', 'Requests that may wait for the query tower; beyond, they are refused.', {
    default: 256,
    minimum: 1,
    maximum: 100_000,
  }),

  redis_url: Type.Optional(
    text('`redis://` or `rediss://` address of the feature store. Without it the bundle’s own features are served.', {
      secret: true,
    }),
  ),
  redis_cluster: choice('`true` where REDIS_URL is a node of a Redis Cluster.', ['false', 'true'], 'false'),
  redis_prefix: text('Prefix of every key in Redis.', { default: 'pr:' }),
  redis_connect_timeout_ms: integer('ms', 'Time for one connection attempt to Redis.', {
    default: 2000,
    minimum: 10,
    maximum: 60_000,
  }),
  store_deadline_ms: integer(
    'ms',
    'Time for the feature read of a request; later, it is scored without. It is less where a request has not that much to spare.',
    { default: 20, minimum: 1, maximum: 10_000 },
  ),
  blob_cache_bytes: integer('bytes', 'Memory for count blobs kept between requests; 0 turns the cache off.', {
    default: 64 * MIB,
    minimum: 0,
    maximum: 64 * 1024 * MIB,
  }),
  blob_cache_ttl_ms: integer('ms', 'How long a kept count blob may be served.', {
    default: 10_000,
    minimum: 1,
    maximum: 3_600_000,
  }),

  embedded_bytes_max: integer('bytes', 'Memory for the bundle’s own features, where they are served.', {
    default: 2048 * MIB,
    minimum: 0,
    maximum: 64 * 1024 * MIB,
  }),

  embedded_live_bytes_max: integer(
    'bytes',
    'Memory for sequences and live counts that engagements change where the bundle’s own features are served.',
    { default: 256 * MIB, minimum: 0, maximum: 64 * 1024 * MIB },
  ),

  engagements_max: integer('events', 'Engagements in one request.', { default: 1000, minimum: 1, maximum: 10_000 }),
  engagement_age_max_ms: integer('ms', 'Engagements older than that are late: they are not applied.', {
    default: DAY_MS,
    minimum: 1000,
    maximum: 7 * DAY_MS,
  }),
  engagement_ahead_max_ms: integer(
    'ms',
    'Engagements further ahead of the clock than that are in the future: they are not applied.',
    { default: 60_000, minimum: 0, maximum: 3_600_000 },
  ),
  engagement_deadline_ms: integer('ms', 'Time for the store to take the engagements of a request.', {
    default: 5000,
    minimum: 1,
    maximum: 60_000,
  }),
  engagement_ids_max: integer(
    'ids',
    'Event ids that a user’s sequence, or the live counts of a query, remember; they forget one when it would be late.',
    { default: 10_000, minimum: 1, maximum: 1_000_000 },
  ),
  live_counts_days: integer('days', 'Days of live counts that are kept: more than lie between two batch builds.', {
    default: 3,
    minimum: 1,
    maximum: 31,
  }),
  live_counts_items_max: integer(
    'items',
    'Items, by action, that the live counts of a query list per day; engagements of others count in the totals only.',
    { default: 1000, minimum: 1, maximum: 100_000 },
  ),
  sequence_days: integer('days', 'Days without an engagement after which a user’s sequence expires.', {
    default: 365,
    minimum: 1,
    maximum: 3650,
  }),

  deadline_ms: integer(
    'ms',
    'Time for an answer, from the arrival of the request, where neither the header `x-request-deadline-ms` nor the field `deadline_ms` says.',
    { default: 1000, minimum: 1, maximum: 60_000 },
  ),
  queue_wait_max_ms: integer(
    'ms',
    'How long a request may have to wait for others in a burst, by what such requests cost lately; beyond that it is refused.',
    { default: 200, minimum: 1, maximum: 60_000 },
  ),
  queue_wait_standing_ms: integer(
    'ms',
    'The same where something has been waiting all the time for `QUEUE_WAIT_MAX_MS`: not a burst but too much work.',
    { default: 20, minimum: 1, maximum: 60_000 },
  ),
  candidates_in_flight_max: integer('candidates', 'Candidates of all requests in flight; beyond, they are refused.', {
    default: 1_000_000,
    minimum: 1,
    maximum: 100_000_000,
  }),
  body_bytes_in_flight_max: integer('bytes', 'Bodies of all requests in flight; beyond, they are refused.', {
    default: 512 * MIB,
    minimum: 1024,
    maximum: 64 * 1024 * MIB,
  }),

  candidates_max: integer('candidates', 'Candidates in one request.', {
    default: 200_000,
    minimum: 1,
    maximum: 4_000_000,
  }),
  top_k_default: integer('candidates', 'Candidates kept where the request has no `top_k`.', {
    default: 1000,
    minimum: 1,
    maximum: 4_000_000,
  }),
  explain_max: integer('candidates', 'Candidates explained in one request.', {
    default: 1000,
    minimum: 1,
    maximum: 100_000,
  }),
  body_bytes_max: integer('bytes', 'Size of a body, compressed and decompressed.', {
    default: 32 * MIB,
    minimum: 1024,
    maximum: 1024 * MIB,
  }),
  header_bytes_max: integer('bytes', 'Size of all headers of a request.', {
    default: 16 * 1024,
    minimum: 1024,
    maximum: MIB,
  }),
  unknown_features: choice(
    'What to do with a feature name that the bundle does not declare: refuse the request, or leave the feature out.',
    ['reject', 'ignore'],
    'reject',
  ),
  request_timeout_ms: integer('ms', 'Time for a whole request to arrive.', {
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
  }),
  shutdown_delay_ms: integer(
    'ms',
    'Time between SIGTERM (readiness goes off) and the end of accepting, so that load balancers can follow.',
    { default: 1000, minimum: 0, maximum: 120_000 },
  ),
  shutdown_timeout_ms: integer('ms', 'Time for requests in flight to finish after that.', {
    default: 10_000,
    minimum: 0,
    maximum: 600_000,
  }),
})
export type Config = Static<typeof ConfigSchema>

export const variableOf = (key: string) => key.toUpperCase()

/** What a variable may hold, in words. */
export function expectation(schema: TSchema): string {
  if (Type.IsUnion(schema)) return `one of ${choicesOf(schema).join(', ')}`
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) {
    const kind = Type.IsInteger(schema) ? 'an integer' : 'a number'
    const { minimum, maximum } = rangeOf(schema)
    return `${kind} from ${minimum} to ${maximum}`
  }
  return 'text'
}

export const choicesOf = (schema: TSchema) =>
  Type.IsUnion(schema) ? schema.anyOf.map((option) => String((option as { const?: unknown }).const)) : []

export const defaultOf = (schema: TSchema): unknown => ('default' in schema ? schema.default : undefined)

export const rangeOf = (schema: TSchema) => schema as unknown as { minimum: number; maximum: number }
