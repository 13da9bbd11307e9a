/**
 * Writes a small, whole bundle: real item table, real ONNX towers, feature snapshot, golden requests scored by the oracle
 * (tiny_oracle.ts). Seeded: the same options give the same bundle.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { fingerprintOf } from '../../src/bundle/read_manifest.ts'
import { countKeys, encodeCountBlob } from '../../src/features/counts.ts'
import { xxh64 } from '../../src/features/hash.ts'
import { encodeEvents, sequenceKey } from '../../src/features/sequence.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { compareKeys, writeSnapshot } from '../../src/store/snapshot.ts'
import { createRandom, type Random } from './random.ts'
import { TINY_CONTENT_DIMS, TINY_DIMS, type TinyOptions, tinyManifest } from './tiny_manifest.ts'
import { tinyOracle } from './tiny_oracle.ts'

const FIXTURES = new URL('../fixtures/tiny/', import.meta.url)
const TOWERS = ['query_tower.onnx', 'query_tower.int8.onnx', 'item_tower.onnx']
const ITEMS = 300
const NOW_MS = 1_760_000_000_000
const DAY_MS = 86_400_000

export type TinyItem = { key: bigint; id: string; vector: Float32Array; content: Float32Array; popularity: number }
export type TinyCounts = { totals: number[]; items: { key: bigint; counts: number[] }[] }
export type TinyEvent = { key: bigint; action: number; time_ms: number }

/** What is in the bundle, in plain terms. Ids are decimal texts where the keys are the ids. */
export type TinyWorld = {
  manifest: Manifest
  items: TinyItem[]
  counts: Map<string, TinyCounts>
  sequences: Map<string, TinyEvent[]>
  now_ms: number
}

export type TinyBundle = TinyWorld & { directory: string; records: Map<string, Uint8Array> }

export const TINY_QUERIES = ['red shoes', 'blue bag', 'straße']
export const TINY_USERS = ['u1', 'u2', 'Ünï']

/** `items.table` carries the fingerprint of its manifest, so two bundles of different options do not mix. */
export async function writeTinyBundle(directory: string, options: TinyOptions = {}): Promise<TinyBundle> {
  const world = createWorld(options)
  const records = storeRecords(world)
  await mkdir(join(directory, 'features'), { recursive: true })
  await Promise.all(TOWERS.map((file) => copyFile(new URL(file, FIXTURES), join(directory, file))))
  await writeFile(join(directory, 'golden.json'), JSON.stringify(await goldenOf(world, records, options.golden_error)))
  world.manifest.files = await hashes(directory, [...TOWERS, 'golden.json'])
  const unsigned = Buffer.from(JSON.stringify(world.manifest))
  world.manifest.fingerprint = fingerprintOf(unsigned, world.manifest.fingerprint)
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(world.manifest))
  writeTable(join(directory, 'items.table'), world)
  const sorted = [...records].sort(([a], [b]) => compareKeys(a, b)).map(([key, value]) => ({ key, value }))
  await writeSnapshot(join(directory, 'features', 'demo.snapshot'), sorted)
  return { ...world, directory, records }
}

function createWorld(options: TinyOptions): TinyWorld {
  const random = createRandom(11)
  const manifest = tinyManifest(options)
  const items = Array.from({ length: ITEMS }, (_, index) => createItem(random, index, manifest.items.id_kind))
  const segments = TINY_QUERIES.flatMap((query) => [
    countKeys.query('all', query),
    countKeys.query('country=DE', query),
    ...query.split(' ').map(countKeys.token),
  ])
  return {
    manifest,
    items,
    counts: new Map(segments.map((key) => [key, createCounts(random, items)])),
    sequences: new Map(TINY_USERS.map((user) => [user, createSequence(random, items)])),
    now_ms: NOW_MS,
  }
}

function createItem(random: Random, index: number, id_kind: 'u64' | 'string'): TinyItem {
  const id = id_kind === 'u64' ? String(index * 7 + 1) : `item-${index}`
  const unit = (length: number) => {
    const values = Float32Array.from({ length }, () => random.normal())
    const norm = Math.hypot(...values)
    return values.map((value) => value / norm)
  }
  return {
    id,
    key: id_kind === 'u64' ? BigInt(id) : xxh64(id),
    vector: unit(TINY_DIMS),
    content: unit(TINY_CONTENT_DIMS).map((value) => Math.round(value * 64) / 64),
    popularity: index % 11 === 0 ? Number.NaN : random.integer(1000),
  }
}

function createCounts(random: Random, items: TinyItem[]): TinyCounts {
  const chosen = items.filter(() => random.uniform() < 0.3).sort((a, b) => (a.key < b.key ? -1 : 1))
  const rows = chosen.map(({ key }) => ({ key, counts: [random.integer(500), random.integer(50)] }))
  return { items: rows, totals: [50_000 + random.integer(9999), 5000 + random.integer(999)] }
}

/** Newest first; some of the items are not in the table. */
function createSequence(random: Random, items: TinyItem[]): TinyEvent[] {
  return Array.from({ length: 14 }, (_, index) => ({
    key: index % 5 === 4 ? 999_999n + BigInt(index) : items[random.integer(items.length)].key,
    action: 1 + random.integer(3),
    time_ms: NOW_MS - (index + 1) * 3_600_000,
  }))
}

function storeRecords({ counts, sequences, manifest }: TinyWorld): Map<string, Uint8Array> {
  const columns = manifest.counts.columns.map(({ name }) => name)
  const records = new Map<string, Uint8Array>()
  for (const [key, { items, totals }] of counts) {
    const blob = {
      columns,
      as_of_ms: NOW_MS - DAY_MS,
      totals: Float64Array.from(totals),
      keys: BigUint64Array.from(items, (item) => item.key),
      counts: Uint32Array.from(columns.flatMap((_, column) => items.map((item) => item.counts[column]))),
    }
    records.set(key, encodeCountBlob(blob))
  }
  for (const [user, events] of sequences) records.set(sequenceKey(user), encodeEvents(events))
  return records
}

function writeTable(path: string, { manifest, items }: TinyWorld) {
  const writer = ItemTableWriter.create(path, {
    dims: TINY_DIMS,
    content_dims: TINY_CONTENT_DIMS,
    dtype: manifest.items.dtype,
    id_kind: manifest.items.id_kind,
    scalars: manifest.items.scalars.map(({ name }) => name),
    fingerprint: manifest.fingerprint,
  })
  writer.append({
    ids: manifest.items.id_kind === 'u64' ? BigUint64Array.from(items, ({ key }) => key) : items.map(({ id }) => id),
    vectors: Float32Array.from(items.flatMap(({ vector }) => [...vector])),
    content: Float32Array.from(items.flatMap(({ content }) => [...content])),
    scalars: Float32Array.from(items, ({ popularity }) => popularity),
  })
  writer.finish()
}

/** Every candidate kept; one user with a sequence and a known query, one with neither. */
async function goldenOf(world: TinyWorld, records: Map<string, Uint8Array>, error = 0) {
  const score = await tinyOracle(world)
  const asId = (id: string) => (world.manifest.items.id_kind === 'u64' ? Number(id) : id)
  const candidates = [...world.items.slice(0, 40).map(({ id }) => id), '123456789'].map(asId)
  const user = {
    country: 'DE',
    sequence: inlineSequence(world, 'u1').map((event) => ({ ...event, item: asId(event.item) })),
  }
  const requests = [
    { query: { text: 'Red  shoes' }, user, candidates, top_k: candidates.length },
    { query: { text: 'never seen' }, candidates, top_k: candidates.length },
  ]
  const blobs = Object.fromEntries([...records].map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  return {
    requests: await Promise.all(
      requests.map(async (request) => {
        const ranking = await score(request, world.now_ms)
        return {
          now_ms: world.now_ms,
          request,
          blobs,
          ids: ranking.map(({ id }) => asId(id)),
          scores: ranking.map((entry) => entry.score + error),
        }
      }),
    ),
  }
}

/** A stored sequence as a request carries it. */
export function inlineSequence({ sequences, items, manifest }: TinyWorld, user: string) {
  const ids = new Map(items.map(({ key, id }) => [key, id]))
  const actions = new Map(Object.entries(manifest.actions).map(([name, code]) => [code, name]))
  return sequences.get(user)!.map(({ key, action, time_ms }) => ({
    item: ids.get(key) ?? `${key}`,
    action: actions.get(action)!,
    time: time_ms,
  }))
}

async function hashes(directory: string, files: string[]): Promise<Record<string, string>> {
  const entries = files.map(async (file) => {
    const bytes = await readFile(join(directory, file))
    return [file, createHash('sha256').update(bytes).digest('hex')]
  })
  return Object.fromEntries(await Promise.all(entries))
}
