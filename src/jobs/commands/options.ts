/** Options that several verbs share, with one wording. */
import { availableParallelism, totalmem } from 'node:os'
import { type Command, Option } from 'commander'
import type { Manifest } from '../../bundle/manifest.ts'
import { readConfig } from '../../config.ts'
import type { Target } from '../load/client.ts'
import { formatBytes } from '../run/format.ts'
import type { Resources } from '../run/job.ts'
import { parseBytes, parsePositive, parseShare } from '../run/parse.ts'
import { type AsOf, asOfOption, resolveAsOf } from './as_of.ts'

const MEMORY_BYTES_MAX = 4 * 2 ** 30

export type ResourceOptions = { memory: number; threads: number }
export type LogOptions = ResourceOptions & {
  bundle: string
  events: string
  items?: string
  asOf?: AsOf
  badRowsMax: number
  json?: boolean
}

export function withBundle(command: Command): Command {
  return command.requiredOption('-b, --bundle <dir>', 'bundle directory (it has manifest.json)')
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print the summary as one JSON object on stdout')
}

export function withResources(command: Command): Command {
  const memory = Math.min(totalmem() / 2, MEMORY_BYTES_MAX)
  return command
    .addOption(
      new Option('--memory <size>', 'memory to stay within; the rest spills to disk beside the output')
        .argParser(parseBytes)
        .default(memory, formatBytes(memory)),
    )
    .addOption(new Option('--threads <n>', 'threads').argParser(parsePositive).default(availableParallelism()))
}

export function withBadRows(command: Command): Command {
  return command.addOption(
    new Option('--bad-rows-max <share>', 'refuse the input when more of its rows than this are bad')
      .argParser(parseShare)
      .default(0.01, '1 %'),
  )
}

const CATALOGUE_FILTER = new Option(
  '-i, --items <files>',
  'catalogue: events of items it does not hold are left out, as in training',
)

export function withLog(command: Command, items: Option = CATALOGUE_FILTER): Command {
  withBundle(command)
    .requiredOption('-e, --events <files>', 'engagement log: Parquet, CSV or JSONL, a path or a quoted glob')
    .addOption(items)
    .addOption(asOfOption())
  return withJson(withResources(withBadRows(command)))
}

/** What every job that reads a log takes from its options. */
export async function logInput(options: LogOptions, manifest: Manifest) {
  return {
    manifest,
    events: options.events,
    items: options.items,
    as_of_ms: await resolveAsOf(options.asOf, { directory: options.bundle, manifest }),
    bad_share_max: options.badRowsMax,
    resources: resourcesOf(options),
  }
}

export function resourcesOf({ memory, threads }: ResourceOptions): Resources {
  return { memory_bytes: memory, threads }
}

export type RedisOptions = { redis?: string; cluster?: boolean; prefix?: string }

/** Without options it is the Redis that the server's environment names. */
export function withRedis(command: Command): Command {
  return command
    .option('--redis <url>', 'redis:// or rediss:// address (default: REDIS_URL)')
    .option('--cluster', 'the address is a node of a Redis Cluster (default: REDIS_CLUSTER)')
    .option('--prefix <prefix>', 'prefix of every key (default: REDIS_PREFIX, or pr:)')
}

export function targetOf({ redis, cluster, prefix }: RedisOptions): Target | undefined {
  const config = readConfig()
  const url = redis ?? config.redis_url
  if (!url) return undefined
  return { url, cluster: cluster ?? config.redis_cluster === 'true', prefix: prefix ?? config.redis_prefix }
}
