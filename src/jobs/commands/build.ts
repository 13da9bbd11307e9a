import { join } from 'node:path'
import { Command, Option } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import type { RunJob } from '../run/runner.ts'
import { type CountsCommandOptions, countLimits, describeCounts, withCountLimits } from './counts.ts'
import { describeItems, type ItemsCommandOptions, withColumns } from './items.ts'
import { type LogOptions, logInput, resourcesOf, withLog } from './options.ts'
import { describeSequences, type SequenceOptions, withSequenceLength } from './sequences.ts'

const DETAILS = `
Makes what a trained bundle still lacks, in one go: items.table from the catalogue, features/counts.snapshot and
features/sequences.snapshot from the log. The verbs items, counts and sequences do it one by one, with more options.

Example:
  prerank build --bundle models/demo --items models/runs/demo/items_with_scalars.parquet \\
    --events models/runs/demo/world/events.parquet --as-of bundle`

type BuildOptions = LogOptions & SequenceOptions & CountsCommandOptions & Pick<ItemsCommandOptions, 'column' | 'items'>

export function buildCommand(run: RunJob): Command {
  const catalogue = new Option('-i, --items <files>', 'catalogue: Parquet, CSV or JSONL, a path or a quoted glob')
  const command = withLog(new Command('build'), catalogue.makeOptionMandatory())
    .description('catalogue and log → everything that a trained bundle lacks')
    .addHelpText('after', DETAILS)
    .action((options: BuildOptions) =>
      run(options, async (job) => {
        const { buildItems } = await import('../items/build.ts')
        const { buildCounts } = await import('../counts/build.ts')
        const { buildSequences } = await import('../sequences/build.ts')
        const directory = options.bundle
        const manifest = await readManifest(directory)
        const items = await buildItems({
          directory,
          manifest,
          items: options.items,
          renamed: options.column,
          vectors: { from: 'tower' },
          output: join(directory, 'items.table'),
          bad_share_max: options.badRowsMax,
          resources: resourcesOf(options),
          job,
        })
        const log = { ...(await logInput(options, manifest)), item_column: options.column.get('item'), job }
        const counts = await buildCounts({
          ...log,
          limits: countLimits(options),
          output: join(directory, 'features', 'counts.snapshot'),
        })
        const sequences = await buildSequences({
          ...log,
          length: options.sequenceLength,
          output: join(directory, 'features', 'sequences.snapshot'),
        })
        const text = [describeItems(items), describeCounts(counts), describeSequences(sequences)].join('\n')
        return { summary: { items, counts, sequences }, text }
      }),
    )
  return withColumns(withSequenceLength(withCountLimits(command)))
}
