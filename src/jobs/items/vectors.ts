/** Where the vectors of a block come from: the item tower, a .npy file, or a column of the catalogue. */
import type { Manifest } from '../../bundle/manifest.ts'
import { compileInputs, InputError } from '../../tower/inputs.ts'
import { JobError } from '../run/job.ts'
import { BLOCK_ITEMS, type Block, blockDigest } from './block.ts'
import type { Catalogue, Item } from './catalogue.ts'
import { type NpyMatrix, openNpy } from './npy.ts'
import type { Parts } from './parts.ts'
import { openItemTower } from './tower.ts'

/** n × D, and n × C where the source gives content embeddings as well. */
export type BlockVectors = { vectors: Float32Array; content: Float32Array }

export type VectorSource = {
  emptyBlock(): Block
  /** Takes an item into the block's next place; a reason why it cannot be used, or null. */
  admit(item: Item, block: Block): string | null
  vectorsOf(block: Block, number: number): Promise<BlockVectors>
  close(): Promise<void>
}

/** With `parts`, blocks that an earlier run finished are read instead of computed. */
export async function towerVectors(options: {
  directory: string
  manifest: Manifest
  threads: number
  signal: AbortSignal
  parts: Parts
}): Promise<VectorSource> {
  const { manifest, parts } = options
  const tower = await openItemTower(options)
  const assembler = compileInputs(manifest.item_tower?.inputs ?? [], manifest.vocabularies)
  const content_dims = manifest.items.content?.from === 'output' ? manifest.items.content.dims : 0
  return {
    emptyBlock: () => ({ items: [], feed: assembler.create(BLOCK_ITEMS) }),
    admit(item, block) {
      try {
        if (block.feed) assembler.fill(block.feed, block.items.length, scopeOf(item))
        return null
      } catch (error) {
        if (error instanceof InputError) return error.message
        throw error
      }
    },
    async vectorsOf(block, number) {
      const n = block.items.length
      const floats = n * (manifest.dims + content_dims)
      const saved = await parts.read(number, blockDigest(block), floats)
      const values = saved ?? new Float32Array(floats)
      const out = { vectors: values.subarray(0, n * manifest.dims), content: values.subarray(n * manifest.dims) }
      if (saved || !block.feed) return out
      await tower.run(block.feed, n, out)
      await parts.write(number, blockDigest(block), values)
      return out
    },
    close: () => tower.close(),
  }
}

/** `.npy` rows stand for the catalogue's rows in order, rejected ones included. `content` is null where there is none. */
export async function npyVectors(
  paths: { vectors: string; content: string | null },
  manifest: Manifest,
  catalogue: Catalogue,
): Promise<VectorSource> {
  const vectors = await openRows(paths.vectors, catalogue.rows, manifest.dims)
  const content =
    paths.content === null ? null : await openRows(paths.content, catalogue.rows, manifest.items.content?.dims ?? 0)
  return {
    emptyBlock: () => ({ items: [], feed: null }),
    admit: () => null,
    async vectorsOf({ items }) {
      return {
        vectors: await pickRows(vectors, items),
        content: content === null ? new Float32Array(0) : await pickRows(content, items),
      }
    },
    async close() {
      await vectors.close()
      await content?.close()
    },
  }
}

async function openRows(path: string, rows: number, dims: number): Promise<NpyMatrix> {
  const matrix = await openNpy(path)
  if (matrix.rows === rows && matrix.dims === dims) return matrix
  await matrix.close()
  throw new JobError(
    `${path}: found ${matrix.rows} × ${matrix.dims}, expected ${rows} × ${dims}: one row for each of the catalogue's`,
  )
}

/** The rows of a block stand close together: one read, then what was rejected between them is left out. */
async function pickRows({ dims, read }: NpyMatrix, items: readonly Item[]): Promise<Float32Array> {
  const first = items[0].position
  const span = new Float32Array((items[items.length - 1].position - first + 1) * dims)
  await read(first, span)
  const picked = new Float32Array(items.length * dims)
  for (const [row, { position }] of items.entries()) {
    const at = (position - first) * dims
    picked.set(span.subarray(at, at + dims), row * dims)
  }
  return picked
}

export function columnVectors(name: string, { dims }: Manifest): VectorSource {
  return {
    emptyBlock: () => ({ items: [], feed: null }),
    admit: (item) => vectorProblem(item, name, dims),
    async vectorsOf({ items }) {
      return { vectors: stack(items, name, dims), content: new Float32Array(0) }
    },
    async close() {},
  }
}

/** Why a catalogue column is no vector of that width; null when it is one. */
export function vectorProblem({ values }: Item, name: string, dims: number): string | null {
  const value = values.get(name)
  if (value === undefined) return `${name} is missing, expected ${dims} numbers`
  if (typeof value === 'string' || typeof value === 'number') return `${name} is no list, expected ${dims} numbers`
  if (value.length !== dims) return `${name} has ${value.length} numbers, expected ${dims}`
  return value.every(Number.isFinite) ? null : `${name} holds a number that is not finite`
}

export function stack(items: readonly Item[], name: string, dims: number): Float32Array {
  const out = new Float32Array(items.length * dims)
  for (const [row, { values }] of items.entries()) out.set(values.get(name) as readonly number[], row * dims)
  return out
}

function scopeOf({ values }: Item) {
  return { value: (path: string) => values.get(path.replace(/^item\./, '')) }
}
