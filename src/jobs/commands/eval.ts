import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import type { Precision } from '../../bundle/manifest.ts'
import { readManifest } from '../../bundle/read_manifest.ts'
import { type Comparison, compareWith } from '../eval/compare.ts'
import type { EvalResult } from '../eval/eval.ts'
import { METRICS } from '../eval/metrics.ts'
import { plotSvg } from '../eval/plot.ts'
import { readRequests } from '../eval/requests.ts'
import { formatCount, formatTable } from '../run/format.ts'
import type { Job } from '../run/job.ts'
import { parsePositive, parseShare, parseTime } from '../run/parse.ts'
import type { RunJob } from '../run/runner.ts'
import {
  type RedisOptions,
  type ResourceOptions,
  resourcesOf,
  targetOf,
  withBadRows,
  withBundle,
  withJson,
  withRedis,
  withResources,
} from './options.ts'

const DETAILS = `
Each line of the requests file is { "now_ms", "request": <body of POST /v1/prerank>, "engaged": { "<item id>": gain } }, as
the training code's export writes it. Features come from the bundle's snapshots, or from Redis where one is named.

Rows are the bundle as it is served, its towers alone, and each caller column by itself, such as BM25; a log has no caller columns.

Instead of such a file, a log: what every request after --split was shown is ranked again, with the sequences as they were
then. The bundle's counts should be as of the split: build them with --as-of.

--compare names the training code's evaluation of the same bundle and requests: its baselines (BM25, two-tower, …) are shown
beside, and a mean that differs by more than the tolerance ends with exit code 1.

Example:
  prerank eval --bundle models/demo --requests requests.jsonl.gz --precision float32 \\
    --compare models/demo/evaluation.json --system interactrank_lexical`

type EvalCommandOptions = ResourceOptions &
  RedisOptions & {
    bundle: string
    requests?: string
    events?: string
    split?: number
    requestsMax: number
    badRowsMax: number
    precision?: Precision
    output?: string
    plot?: string
    compare?: string
    system?: string
    tolerance: number
    json?: boolean
  }

export function evalCommand(run: RunJob): Command {
  const command = withBundle(new Command('eval'))
    .description('held-out requests through the server’s own pipeline → metrics')
    .addOption(new Option('-r, --requests <file>', 'held-out requests (.jsonl or .jsonl.gz)').conflicts('events'))
    .addOption(new Option('-e, --events <files>', 'or: an engagement log with request_id and impressions'))
    .addOption(new Option('--split <time>', 'of the log, requests from this time on').argParser(parseTime))
    .addOption(
      new Option('--requests-max <n>', 'of the log, about so many requests').argParser(parsePositive).default(2000),
    )
    .addOption(
      new Option('--precision <precision>', 'query tower (default: as the manifest says)').choices(['float32', 'int8']),
    )
    .option('-o, --output <file.json>', 'write the metrics of every system')
    .option('--plot <file.svg>', 'write a plot')
    .option('--compare <evaluation.json>', 'metrics of the training code to agree with')
    .option('--system <name>', 'the system of that file that this bundle is')
    .addOption(new Option('--tolerance <share>', 'allowed difference of a mean').argParser(parseShare).default(0.002))
    .addHelpText('after', DETAILS)
    .action((options: EvalCommandOptions, self: Command) => {
      if ((options.compare === undefined) !== (options.system === undefined)) {
        self.error('error: --compare and --system go together')
      }
      if (options.requests === undefined && (options.events === undefined || options.split === undefined)) {
        self.error('error: give --requests, or --events and --split')
      }
      return run(options, async (job) => {
        const { evaluate } = await import('../eval/eval.ts')
        const result = await evaluate({
          directory: options.bundle,
          precision: options.precision,
          redis: targetOf(options),
          ...(await requestsOf(options, job)),
          resources: resourcesOf(options),
          job,
        })
        const comparison = await comparisonOf(result, options)
        if (options.output) await writeFile(options.output, `${JSON.stringify({ ...result, comparison }, null, 1)}\n`)
        if (options.plot) await writeFile(options.plot, plotSvg(result))
        const text = [describeResult(result), ...(comparison ? [describeComparison(comparison)] : [])].join('\n\n')
        return { summary: { ...result, comparison }, text, failed: comparison?.ok === false }
      })
    })
  return withJson(withResources(withBadRows(withRedis(command))))
}

async function requestsOf(options: EvalCommandOptions, job: Job) {
  if (options.requests !== undefined) {
    return { requests: readRequests(options.requests), source: options.requests, caller: true }
  }
  const { requestsOfLog } = await import('../eval/log_requests.ts')
  const { events = '', split = 0, requestsMax } = options
  const manifest = await readManifest(options.bundle)
  const log = { events, manifest, split_ms: split, requests_max: requestsMax, bad_share_max: options.badRowsMax }
  return { requests: requestsOfLog({ ...log, resources: resourcesOf(options), job }), source: events, caller: false }
}

async function comparisonOf(result: EvalResult, { compare, system, tolerance }: EvalCommandOptions) {
  if (compare === undefined || system === undefined) return undefined
  return compareWith(result, { path: compare, system, tolerance })
}

function describeResult(result: EvalResult): string {
  const rows = Object.values(result.systems).map((system) => [
    system.title,
    ...METRICS.map((metric) => {
      const { mean, low, high } = system[metric]
      return `${mean.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`
    }),
  ])
  const degraded = result.degraded > 0 ? `; ${formatCount(result.degraded)} were degraded by the store` : ''
  return `${formatCount(result.requests)} requests, ${formatCount(result.candidates)} candidates, ${result.precision} tower, ${result.kernel} kernel${degraded}

${formatTable([['', ...METRICS], ...rows])}`
}

function describeComparison({ system, tolerance, differences, ok, others }: Comparison): string {
  const rows = METRICS.map((metric) => {
    const { trained, served, difference } = differences[metric]
    return [metric, trained.toFixed(5), served.toFixed(5), difference.toFixed(5)]
  })
  const verdict = ok ? `equal within ${tolerance}` : `NOT equal within ${tolerance}: training and serving disagree`
  const beside = others.map(({ title, means }) => [title, ...METRICS.map((metric) => means[metric].toFixed(3))])
  return `${formatTable([['in training', ...METRICS], ...beside])}

${formatTable([['', `${system} (training)`, 'served', 'difference'], ...rows])}
${verdict}`
}
