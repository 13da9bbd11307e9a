import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import { SEQUENCE_EVENTS_MAX } from '../../features/sequence.ts'
import { describeRejects } from '../events/report.ts'
import { formatCount } from '../run/format.ts'
import { parseCount } from '../run/parse.ts'
import type { RunJob } from '../run/runner.ts'
import type { SequencesResult } from '../sequences/build.ts'
import { type LogOptions, logInput, withLog } from './options.ts'

const DETAILS = `
Keeps the last engagements of every user before --as-of, newest first. Events without a user are left out.

Example:
  prerank sequences build --bundle models/demo --events 'logs/*.parquet' --as-of 2026-03-01`

export function sequencesCommand(run: RunJob): Command {
  const build = withLog(new Command('build'))
    .description('engagement log → user sequences (features/sequences.snapshot)')
    .option('-o, --output <file>', 'snapshot to write (default: features/sequences.snapshot of the bundle)')
    .addHelpText('after', DETAILS)
    .action((options: LogOptions & SequenceOptions & { output?: string }) =>
      run(options, async (job) => {
        const { buildSequences } = await import('../sequences/build.ts')
        const result = await buildSequences({
          ...(await logInput(options, await readManifest(options.bundle))),
          length: options.sequenceLength,
          output: options.output ?? join(options.bundle, 'features', 'sequences.snapshot'),
          job,
        })
        return { summary: result, text: describeSequences(result) }
      }),
    )
  return new Command('sequences').description('user sequences').addCommand(withSequenceLength(build))
}

export type SequenceOptions = { sequenceLength: number }

export function withSequenceLength(command: Command): Command {
  return command.addOption(
    new Option('--sequence-length <n>', `engagements kept of a user, at most ${SEQUENCE_EVENTS_MAX}`)
      .argParser(parseLength)
      .default(SEQUENCE_EVENTS_MAX),
  )
}

function parseLength(text: string): number {
  const length = parseCount(text)
  if (length < 1 || length > SEQUENCE_EVENTS_MAX)
    throw new InvalidArgumentError(`Expected 1 to ${SEQUENCE_EVENTS_MAX}.`)
  return length
}

export function describeSequences(result: SequencesResult): string {
  return `${result.output}: sequences of ${formatCount(result.users)} users as of ${new Date(result.as_of_ms).toISOString()}
  ${describeRejects(result.log)}`
}
