import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import { describeRejects } from '../events/report.ts'
import type { ItemsResult, Vectors } from '../items/build.ts'
import { formatBytes, formatCount } from '../run/format.ts'
import type { RunJob } from '../run/runner.ts'
import { type ResourceOptions, resourcesOf, withBadRows, withBundle, withJson, withResources } from './options.ts'

const DETAILS = `
Reads the catalogue in file order, runs the bundle's item tower over it in batches, and writes the item table that the
server maps into memory. The manifest says which columns the tower reads; item is the id. A column under another name is
given with --column, such as --column text=overview; a column that is not there is missing for every item.

With --vectors the vectors are ready and no tower runs: a .npy file with one row for each row of the catalogue, or the
name of a catalogue column that holds lists of numbers.

Vectors in float32 of 32 dims and more get sketches beside them: a copy in int8, 64 bytes for 64 dims, by which the server finds
the rows that are worth reading. Answers are the same without them (--no-sketch), and large requests slower. In float16, where
they gain little, they are made on request (--sketch).

Interrupted, it goes on where it stopped when it is started again with the same catalogue and bundle.

Examples:
  prerank items build --bundle models/demo --items 'catalogue/*.parquet'
  prerank items build --bundle models/mine --items items.parquet --vectors vectors.npy`

export type ItemsCommandOptions = ResourceOptions & {
  bundle: string
  items: string
  output?: string
  column: Map<string, string>
  vectors?: string
  content?: string
  sketch?: boolean
  badRowsMax: number
  json?: boolean
}

export function itemsCommand(run: RunJob): Command {
  const build = withBundle(new Command('build'))
    .description('catalogue → item table (items.table)')
    .requiredOption('-i, --items <files>', 'catalogue: Parquet, CSV or JSONL, a path or a quoted glob')
    .option('-o, --output <file>', 'item table to write (default: items.table of the bundle)')
    .option('--vectors <file.npy|column>', 'ready vectors instead of the item tower')
    .option(
      '--content <file.npy>',
      'content embeddings beside ready vectors, where the manifest takes them from the tower',
    )
    .option('--sketch', 'sketches beside the vectors, whatever their type but int8')
    .option('--no-sketch', 'a smaller table without sketches')
    .addHelpText('after', DETAILS)
    .action((options: ItemsCommandOptions) =>
      run(options, async (job) => {
        const { buildItems } = await import('../items/build.ts')
        const result = await buildItems({
          directory: options.bundle,
          manifest: await readManifest(options.bundle),
          items: options.items,
          renamed: options.column,
          vectors: vectorsOf(options),
          output: options.output ?? join(options.bundle, 'items.table'),
          sketch: options.sketch,
          bad_share_max: options.badRowsMax,
          resources: resourcesOf(options),
          job,
        })
        return { summary: result, text: describeItems(result) }
      }),
    )
  return new Command('items')
    .description('item table')
    .addCommand(withColumns(withJson(withResources(withBadRows(build)))))
}

export function withColumns(command: Command): Command {
  return command.option(
    '--column <name=source>',
    'read a catalogue column under another name; may be repeated',
    parseColumn,
    new Map(),
  )
}

function parseColumn(text: string, columns: Map<string, string>): Map<string, string> {
  const match = /^([^=]+)=(.+)$/.exec(text)
  if (!match) throw new InvalidArgumentError('Expected name=source, such as text=overview.')
  return new Map(columns).set(match[1], match[2])
}

function vectorsOf({ vectors, content }: ItemsCommandOptions): Vectors {
  if (vectors === undefined) return { from: 'tower' }
  return vectors.endsWith('.npy')
    ? { from: 'npy', path: vectors, content: content ?? null }
    : { from: 'column', name: vectors }
}

export function describeItems(result: ItemsResult): string {
  const missing =
    result.missing.length === 0 ? '' : `\n  not in the catalogue, missing for every item: ${result.missing.join(', ')}`
  return `${result.output}: ${formatCount(result.items)} items, ${formatBytes(result.bytes)}
  ${describeRejects(result.catalogue)}${missing}`
}
