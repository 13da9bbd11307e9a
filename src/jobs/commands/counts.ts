import { join } from 'node:path'
import { Command, Option } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import type { CountsResult } from '../counts/build.ts'
import { describeRejects } from '../events/report.ts'
import { formatCount } from '../run/format.ts'
import { parseCount } from '../run/parse.ts'
import type { RunJob } from '../run/runner.ts'
import { type LogOptions, logInput, withLog } from './options.ts'

const COUNT_LIMITS = { items_max: 16_384, item_engagements_min: 1, engagements_min: 1 }

export type CountsCommandOptions = LogOptions & {
  output?: string
  itemsMax: number
  itemEngagementsMin: number
  engagementsMin: number
}

const DETAILS = `
Counts engagements per (query, segment), and per query token, in the columns that the manifest names (an action within a
window that ends at --as-of). One snapshot file holds all blobs, in key order; prerank load writes it to Redis, and without
Redis the server reads it from the bundle. The same log and options give the same bytes.

The log has the columns time (Unix ms), query, item, action and, where known, user, country, gender, device, language.
Without --as-of whole UTC days are counted, up to the midnight before the newest event: what came after it is in the live
counts that POST /v1/engagements keeps (a log of one day is counted to its end). Rows that cannot be used are counted, shown and left out; above --bad-rows-max nothing is written.

Example:
  prerank counts build --bundle models/demo --events 'logs/*.parquet' --as-of 2026-03-01`

export function countsCommand(run: RunJob): Command {
  const build = withLog(new Command('build'))
    .description('engagement log → count blobs (features/counts.snapshot)')
    .option('-o, --output <file>', 'snapshot to write (default: features/counts.snapshot of the bundle)')
    .addHelpText('after', DETAILS)
    .action((options: CountsCommandOptions) =>
      run(options, async (job) => {
        const { buildCounts } = await import('../counts/build.ts')
        const manifest = await readManifest(options.bundle)
        const result = await buildCounts({
          ...(await logInput(options, manifest)),
          output: options.output ?? join(options.bundle, 'features', 'counts.snapshot'),
          limits: countLimits(options),
          job,
        })
        return { summary: result, text: describeCounts(result) }
      }),
    )
  return new Command('counts').description('engagement counts').addCommand(withCountLimits(build))
}

export function withCountLimits(command: Command): Command {
  const limit = (flag: string, text: string, value: number) =>
    command.addOption(new Option(flag, text).argParser(parseCount).default(value))
  limit('--items-max <n>', 'items of one blob: the most engaged ones are kept', COUNT_LIMITS.items_max)
  limit(
    '--item-engagements-min <n>',
    'engagements under a query from which an item is listed',
    COUNT_LIMITS.item_engagements_min,
  )
  return limit(
    '--engagements-min <n>',
    'engagements from which a query has a blob at all',
    COUNT_LIMITS.engagements_min,
  )
}

export function countLimits(options: CountsCommandOptions) {
  return {
    items_max: options.itemsMax,
    item_engagements_min: options.itemEngagementsMin,
    engagements_min: options.engagementsMin,
  }
}

export function describeCounts(result: CountsResult): string {
  const segments = Object.entries(result.blobs).map(([segment, blobs]) => `${formatCount(blobs)} ${segment}`)
  return `${result.output}: counts as of ${new Date(result.as_of_ms).toISOString()}
  ${formatCount(result.queries)} distinct queries; blobs: ${segments.join(', ')}
  ${describeRejects(result.log)}`
}
