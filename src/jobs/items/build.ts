/**
 * `prerank items build`: catalogue → item tower (or ready vectors) → items.table, block by block in file order. Memory is
 * one block, the tower, and what the table writer keeps of an item (its key and index entry).
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '../../bundle/manifest.ts'
import { ItemTableWriter } from '../../items/item_table_writer.ts'
import { DuckSession } from '../duck/session.ts'
import { describeRejects, type RowReport } from '../events/report.ts'
import { formatShare } from '../run/format.ts'
import { type Job, JobError, type Resources } from '../run/job.ts'
import { openWorkspace, type Workspace } from '../run/workspace.ts'
import { BLOCK_ITEMS, type Block, blockIds, blockScalars } from './block.ts'
import { type Catalogue, type CatalogueOptions, type Item, openCatalogue } from './catalogue.ts'
import { type ColumnKind, itemColumns } from './columns.ts'
import { buildIdentity, openParts } from './parts.ts'
import { createRejectLog, type RejectLog } from './reject_log.ts'
import { columnVectors, npyVectors, stack, towerVectors, type VectorSource, vectorProblem } from './vectors.ts'

/** `content`: a .npy file of content embeddings, for a manifest that takes them from the item tower. */
export type Vectors =
  | { from: 'tower' }
  | { from: 'npy'; path: string; content: string | null }
  | { from: 'column'; name: string }

export type ItemsOptions = {
  /** The bundle; its manifest says what an item is made of. */
  directory: string
  manifest: Manifest
  /** Path or glob. */
  items: string
  renamed: Map<string, string>
  vectors: Vectors
  output: string
  /** Without it, as the table's writer decides. */
  sketch?: boolean
  bad_share_max: number
  resources: Resources
  job: Job
}

export type ItemsResult = { output: string; items: number; bytes: number; missing: string[]; catalogue: RowReport }

export async function buildItems(options: ItemsOptions): Promise<ItemsResult> {
  const { job, output } = options
  const workspace = await openWorkspace(output, { keep: true })
  for (const name of ['duck', 'table']) await rm(workspace.path(name), { recursive: true, force: true })
  try {
    return await buildIn(workspace, options)
  } finally {
    await workspace.close({ keep: job.signal.aborted })
  }
}

async function buildIn(workspace: Workspace, options: ItemsOptions): Promise<ItemsResult> {
  const { manifest, vectors } = options
  const directory = await workspace.makeDirectory('duck')
  const session = await DuckSession.open({ ...options, directory })
  try {
    const columns = itemColumns(manifest, { tower: vectors.from === 'tower' })
    if (vectors.from === 'column') columns.set(vectors.name, 'vector' satisfies ColumnKind)
    const catalogue = await openCatalogue({
      session,
      pattern: options.items,
      columns,
      renamed: options.renamed,
      id_kind: manifest.items.id_kind,
    } satisfies CatalogueOptions)
    const source = await openVectors(workspace, catalogue, options)
    try {
      return await writeTable({ ...options, workspace, catalogue, source })
    } finally {
      await source.close()
    }
  } finally {
    session.close()
  }
}

async function openVectors(workspace: Workspace, catalogue: Catalogue, options: ItemsOptions): Promise<VectorSource> {
  const { vectors, manifest, directory, renamed } = options
  const needs_content = manifest.items.content?.from === 'output' && vectors.from !== 'tower'
  if (needs_content && (vectors.from !== 'npy' || vectors.content === null)) {
    throw new JobError(
      'the manifest takes content embeddings from the item tower: give them beside the vectors (--content)',
    )
  }
  if (vectors.from === 'npy') {
    return npyVectors({ vectors: vectors.path, content: needs_content ? vectors.content : null }, manifest, catalogue)
  }
  if (vectors.from === 'column') return columnVectors(vectors.name, manifest)
  const identity = await buildIdentity({ fingerprint: manifest.fingerprint, files: catalogue.files, renamed })
  const parts = await openParts(workspace, identity)
  const { threads } = options.resources
  return towerVectors({ directory, manifest, threads, signal: options.job.signal, parts })
}

type Writing = ItemsOptions & { workspace: Workspace; catalogue: Catalogue; source: VectorSource }

async function writeTable(options: Writing): Promise<ItemsResult> {
  const { manifest, workspace, catalogue, job, source } = options
  const rejects = createRejectLog(catalogue.rejects)
  const path = join(await workspace.makeDirectory('table'), 'items.table')
  const writer = ItemTableWriter.create(path, { ...tableOptions(manifest), sketch: options.sketch })
  const step = job.progress.step('items', { total: catalogue.rows, unit: 'items' })
  try {
    let number = 0
    for await (const block of blocks(options, rejects)) {
      job.signal.throwIfAborted()
      const { vectors, content } = await source.vectorsOf(block, number++)
      writer.append({
        ids: blockIds(block, manifest.items.id_kind),
        vectors,
        scalars: blockScalars(block, manifest.items.scalars),
        content: blockContent(block, manifest) ?? content,
      })
      step.advance(writer.rows + rejects.report(0).rejected)
    }
    const report = rejects.report(catalogue.rows)
    if (writer.rows === 0) throw new JobError(`${options.items}: no usable item; ${describeRejects(report)}`)
    const { rows, file_bytes } = writer.finish()
    await workspace.publish('table/items.table', options.output)
    step.finish(`${rows.toLocaleString('en-US')} items`)
    return { output: options.output, items: rows, bytes: file_bytes, missing: catalogue.missing, catalogue: report }
  } finally {
    writer.abort()
  }
}

async function* blocks(options: Writing, rejects: RejectLog): AsyncGenerator<Block> {
  const { source, catalogue, manifest } = options
  let block = source.emptyBlock()
  for await (const item of catalogue.items((rejected) => rejects.add(rejected))) {
    const problem = contentProblem(item, manifest) ?? source.admit(item, block)
    if (problem === null) block.items.push(item)
    else rejects.add({ where: `row ${item.position + 1}`, id: item.id, reason: problem })
    refuseTooMany(options, rejects)
    if (block.items.length < BLOCK_ITEMS) continue
    yield block
    block = source.emptyBlock()
  }
  refuseTooMany(options, rejects)
  if (block.items.length > 0) yield block
}

/** Stops as soon as the share is sure to be exceeded, not after hours of computing. */
function refuseTooMany({ catalogue, items, bad_share_max }: Writing, rejects: RejectLog): void {
  const report = rejects.report(catalogue.rows)
  if (report.rejected <= report.rows * bad_share_max) return
  throw new JobError(
    `${items}: ${describeRejects(report)}\n  At most ${formatShare(bad_share_max)} may be bad (--bad-rows-max); nothing was written`,
  )
}

function tableOptions({ dims, items, fingerprint }: Manifest) {
  const { dtype, id_kind, content, scalars } = items
  return {
    dims,
    dtype,
    id_kind,
    content_dims: content?.dims ?? 0,
    scalars: scalars.map(({ name }) => name),
    fingerprint,
  }
}

/** Column of the catalogue that content embeddings are taken from, or null where the tower gives them. */
function contentColumn({ items }: Manifest): string | null {
  return items.content && items.content.from !== 'output' ? items.content.from.replace(/^item\./, '') : null
}

function contentProblem(item: Item, manifest: Manifest): string | null {
  const name = contentColumn(manifest)
  return name === null ? null : vectorProblem(item, name, manifest.items.content?.dims ?? 0)
}

function blockContent({ items }: Block, manifest: Manifest): Float32Array | null {
  const name = contentColumn(manifest)
  return name === null ? null : stack(items, name, manifest.items.content?.dims ?? 0)
}
