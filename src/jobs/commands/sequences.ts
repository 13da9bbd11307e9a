import { join } from 'node:path'
import { Command } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import { describeRejects } from '../events/report.ts'
import { formatCount } from '../run/format.ts'
import type { RunJob } from '../run/runner.ts'
import { buildSequences, type SequencesResult } from '../sequences/build.ts'
import { type LogOptions, logInput, withLog } from './options.ts'

const DETAILS = `
Keeps the last 100 engagements of every user before --as-of, newest first. Events without a user are left out.

Example:
  prerank sequences build --bundle models/demo --events 'logs/*.parquet' --as-of 2026-03-01`

export function sequencesCommand(run: RunJob): Command {
  const build = withLog(new Command('build'))
    .description('engagement log → user sequences (features/sequences.snapshot)')
    .option('-o, --output <file>', 'snapshot to write (default: features/sequences.snapshot of the bundle)')
    .addHelpText('after', DETAILS)
    .action((options: LogOptions & { output?: string }) =>
      run(options, async (job) => {
        const result = await buildSequences({
          ...logInput(options),
          manifest: await readManifest(options.bundle),
          output: options.output ?? join(options.bundle, 'features', 'sequences.snapshot'),
          job,
        })
        return { summary: result, text: describeSequences(result) }
      }),
    )
  return new Command('sequences').description('user sequences').addCommand(build)
}

export function describeSequences(result: SequencesResult): string {
  return `${result.output}: sequences of ${formatCount(result.users)} users as of ${new Date(result.as_of_ms).toISOString()}
  ${describeRejects(result.log)}`
}
