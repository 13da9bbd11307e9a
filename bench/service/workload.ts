/**
 * Requests as a search backend would send them, drawn with a seed from what a bundle holds: candidates from its item
 * table, queries and users from its feature snapshots. Queries follow a Zipf law, those with the largest count blobs first.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Encoder } from 'cbor-x'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { readSnapshot } from '../../src/store/snapshot.ts'

export const FORMATS = { json: 'application/json', cbor: 'application/cbor' } as const
export type Format = keyof typeof FORMATS

export type Catalogue = {
  keys: BigUint64Array
  /** Most popular first. */
  queries: string[]
  users: string[]
  caller_columns: string[]
}

export async function readCatalogue(bundle: string): Promise<Catalogue> {
  const manifest: Manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8'))
  const table = ItemTable.open(join(bundle, 'items.table'))
  const keys = table.keysOf(Uint32Array.from({ length: table.info.rows }, (_, row) => row))
  table.close()
  const blobs: { query: string; bytes: number }[] = []
  const users: string[] = []
  for (const path of globSync(join(bundle, 'features', '*.snapshot')).sort()) {
    for await (const { key, value } of readSnapshot(path)) {
      const [, family, name] = /^(iqp:all|seq):\{(.*)\}$/s.exec(key) ?? []
      if (family === 'seq') users.push(name)
      // Hashed keys (`#…`) stand for queries that cannot be told from the key.
      if (family === 'iqp:all' && !name.startsWith('#')) blobs.push({ query: name, bytes: value.length })
    }
  }
  if (!blobs.length || !users.length) throw new Error(`${bundle}/features: found no count blobs or no sequences`)
  const queries = blobs.sort((a, b) => b.bytes - a.bytes).map(({ query }) => query)
  return { keys, queries, users, caller_columns: manifest.caller_columns.map(({ name }) => name) }
}

export type Draw = { candidates: number; top_k: number; seed: number }

/** One body in both formats, with the same content. Candidates are distinct items. */
export function drawBody(catalogue: Catalogue, draw: Draw): Record<Format, Buffer> {
  const { candidates, top_k, seed } = draw
  if (candidates > catalogue.keys.length) {
    throw new Error(`${candidates} distinct candidates of ${catalogue.keys.length} items: use a larger table`)
  }
  const random = randomFrom(seed)
  const keys = sample(catalogue.keys, { count: candidates, random })
  const columns = catalogue.caller_columns.map((name): [string, Float32Array] => [
    name,
    Float32Array.from(keys, () => Math.round(random() * 3000) / 100),
  ])
  const body = {
    query: { text: catalogue.queries[zipf(catalogue.queries.length, random)] },
    user: { id: catalogue.users[Math.floor(random() * catalogue.users.length)] },
    top_k,
  }
  const json = {
    ...body,
    candidates: Array.from(keys, Number),
    candidate_features: Object.fromEntries(columns.map(([name, values]) => [name, Array.from(values, hundredths)])),
  }
  const cbor = { ...body, candidates: keys, candidate_features: Object.fromEntries(columns) }
  return { json: Buffer.from(JSON.stringify(json)), cbor: encoder.encode(cbor) }
}

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true })
const hundredths = (value: number) => Math.round(value * 100) / 100

/** `count` distinct elements in random order: the head of a Fisher–Yates shuffle. */
function sample(keys: BigUint64Array, { count, random }: { count: number; random: () => number }): BigUint64Array {
  const shuffled = keys.slice()
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (shuffled.length - i))
    const kept = shuffled[j]
    shuffled[j] = shuffled[i]
    shuffled[i] = kept
  }
  return shuffled.slice(0, count)
}

/** Rank from 0 with probability proportional to 1 / (rank + 1), by inverting the integral. */
function zipf(ranks: number, random: () => number): number {
  return Math.min(ranks - 1, Math.floor((ranks + 1) ** random()) - 1)
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
