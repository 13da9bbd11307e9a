import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import { countKeys, countTokens } from '../../features/counts.ts'
import { sequenceKey } from '../../features/sequence.ts'
import { queryKey } from '../../features/text.ts'
import { ItemTable } from '../../items/item_table.ts'
import { snapshotFiles } from '../../store/snapshot_files.ts'
import { describeManifest } from '../inspect/bundle.ts'
import { findRecords, type SnapshotSummary, summariseSnapshot } from '../inspect/snapshot.ts'
import { describeItem, describeTable, readItem } from '../inspect/table.ts'
import { describeValue, indent, type Meaning } from '../inspect/values.ts'
import { formatBytes, formatCount, formatTable } from '../run/format.ts'
import { JobError } from '../run/job.ts'
import type { Outcome, RunJob } from '../run/runner.ts'
import { withJson } from './options.ts'

const DETAILS = `
<path> is a bundle directory, an item table, or a snapshot.

Examples:
  prerank inspect models/demo
  prerank inspect models/demo --query 'red shoes'
  prerank inspect models/demo --user u17
  prerank inspect models/demo/items.table --item 42`

type Asked = { query?: string; user?: string; item?: string; json?: boolean }

export function inspectCommand(run: RunJob): Command {
  return withJson(new Command('inspect'))
    .description('what is in a bundle, an item table, a snapshot; an item, a query’s counts, a user’s sequence')
    .argument('<path>')
    .option('--query <text>', 'count blobs of a query: every segment, and its tokens')
    .option('--user <id>', 'sequence of a user')
    .option('--item <id>', 'row, vector and scalars of an item')
    .addHelpText('after', DETAILS)
    .action((path: string, asked: Asked) =>
      run(asked, ({ signal }) => {
        if (statSync(path).isDirectory()) return inspectBundle(path, asked, signal)
        return path.endsWith('.snapshot')
          ? inspectSnapshots([path], dirname(dirname(path)), asked, signal)
          : inspectTable(path, asked)
      }),
    )
}

async function inspectBundle(directory: string, asked: Asked, signal: AbortSignal): Promise<Outcome> {
  const manifest = await readManifest(directory)
  const snapshots = snapshotFiles(directory)
  if (asked.query !== undefined || asked.user !== undefined)
    return inspectSnapshots(snapshots, directory, asked, signal)
  const path = join(directory, 'items.table')
  if (asked.item !== undefined) return inspectTable(path, asked)
  const parts = [describeManifest(manifest)]
  const table = existsSync(path) ? ItemTable.open(path) : null
  parts.push(table ? describeTable(table, path) : 'items.table: not built yet (prerank items build)')
  const summaries = await Promise.all(snapshots.map((path) => summariseSnapshot(path, signal)))
  parts.push(...summaries.map(describeSnapshot))
  if (snapshots.length === 0) parts.push('features: no snapshot (prerank counts build, prerank sequences build)')
  const summary = { manifest, table: table?.info ?? null, snapshots: summaries }
  table?.close()
  return { summary, text: parts.join('\n') }
}

async function inspectSnapshots(
  paths: string[],
  directory: string,
  asked: Asked,
  signal: AbortSignal,
): Promise<Outcome> {
  if (asked.query === undefined && asked.user === undefined) {
    const summaries = await Promise.all(paths.map((path) => summariseSnapshot(path, signal)))
    return { summary: { snapshots: summaries }, text: summaries.map(describeSnapshot).join('\n') }
  }
  const manifest = await readManifest(directory)
  const meaning: Meaning = { columns: manifest.counts.columns.map(({ name }) => name), actions: manifest.actions }
  const records = await findRecords(paths, wantedKeys(asked))
  if (records.length === 0)
    throw new JobError(`${paths.join(', ') || directory}: nothing about ${describeAsked(asked)}`)
  const sizes = records.map(({ key, value }) => ({ key, bytes: value.byteLength }))
  return {
    summary: { records: sizes },
    text: records.map(({ key, value }) => describeValue(key, value, meaning)).join('\n'),
  }
}

function wantedKeys({ query, user }: Asked): (key: string) => boolean {
  const sequence = user === undefined ? null : sequenceKey(user)
  if (query === undefined) return (key) => key === sequence
  const name = queryKey(query)
  const tokens = countTokens(query).map(countKeys.token)
  /** A token, or a user, may be called like the query. */
  const namesakes = [countKeys.token(name), sequenceKey(name)]
  return (key) => key === sequence || tokens.includes(key) || (key.endsWith(`:{${name}}`) && !namesakes.includes(key))
}

async function inspectTable(path: string, { item }: Asked): Promise<Outcome> {
  const table = ItemTable.open(path)
  try {
    if (item === undefined) return { summary: table.info, text: describeTable(table, path) }
    const found = readItem(table, item)
    return { summary: found, text: describeItem(found) }
  } finally {
    table.close()
  }
}

function describeSnapshot({ path, families }: SnapshotSummary): string {
  const rows = Object.entries(families).map(([name, { records, bytes, largest }]) => [
    name,
    formatCount(records),
    formatBytes(bytes),
    `largest ${formatBytes(largest.bytes)}: ${largest.key}`,
  ])
  return `${path}\n${indent(rows.length > 0 ? formatTable(rows) : 'empty')}`
}

function describeAsked({ query, user }: Asked): string {
  return [query !== undefined && `the query "${query}"`, user !== undefined && `the user "${user}"`]
    .filter(Boolean)
    .join(' or ')
}
