/**
 * Requests as a search backend would send them, drawn with a seed from what a bundle holds: candidates from its item
 * table, queries and users from its feature snapshots. Queries follow a Zipf law, those with the largest count blobs first;
 * users are uniform, each with a country, gender, device and language that stay the same.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Encoder } from 'cbor-x'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { readSnapshot } from '../../src/store/snapshot.ts'
import { randomFrom } from './random.ts'

export const FORMATS = { json: 'application/json', cbor: 'application/cbor' } as const
export type Format = keyof typeof FORMATS

export type Catalogue = {
  keys: BigUint64Array
  /** Most popular first. */
  queries: string[]
  users: string[]
  /** Values of each part of a user's context, most common first. */
  contexts: [name: string, values: string[]][]
  caller_columns: string[]
}

const CONTEXTS = ['country', 'gender', 'device', 'language']

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
  const contexts = CONTEXTS.flatMap((name): Catalogue['contexts'] =>
    manifest.vocabularies[name]?.length ? [[name, manifest.vocabularies[name]]] : [],
  )
  return { keys, queries, users, contexts, caller_columns: manifest.caller_columns.map(({ name }) => name) }
}

export type Draw = { candidates: number; top_k: number; seed: number }

/** One body in both formats, with the same content. */
export function drawBody(catalogue: Catalogue, draw: Draw): Record<Format, Buffer> {
  const head = drawHead(catalogue, draw)
  const tail = drawTail(catalogue, draw)
  return {
    json: joinBody({ head, tail: tail.json, format: 'json' }),
    cbor: joinBody({ head, tail: tail.cbor, format: 'cbor' }),
  }
}

/** Who asks for what: cheap, so each request of a load has its own. */
export type Head = { query: { text: string }; user: Record<string, string>; top_k: number }

export function drawHead({ queries, users, contexts }: Catalogue, { top_k, seed }: Omit<Draw, 'candidates'>): Head {
  const random = randomFrom(seed)
  const text = queries[zipf(queries.length, random)]
  const user = Math.floor(random() * users.length)
  const own = randomFrom(user)
  const context = contexts.map(([name, values]) => [name, values[zipf(values.length, own)]])
  return { query: { text }, user: { id: users[user], ...Object.fromEntries(context) }, top_k }
}

/** The candidates and their columns, encoded as the rest of a body: what is large, shared by many requests. Distinct items. */
export function drawTail(catalogue: Catalogue, { candidates, seed }: Omit<Draw, 'top_k'>): Record<Format, Buffer> {
  if (candidates > catalogue.keys.length) {
    throw new Error(`${candidates} distinct candidates of ${catalogue.keys.length} items: use a larger table`)
  }
  const random = randomFrom(seed + 0x5eed)
  const keys = sample(catalogue.keys, { count: candidates, random })
  const columns = catalogue.caller_columns.map((name): [string, Float32Array] => [
    name,
    Float32Array.from(keys, () => Math.round(random() * 3000) / 100),
  ])
  const json = {
    candidates: Array.from(keys, Number),
    candidate_features: Object.fromEntries(columns.map(([name, values]) => [name, Array.from(values, hundredths)])),
  }
  const cbor = { candidates: keys, candidate_features: Object.fromEntries(columns) }
  return { json: Buffer.from(JSON.stringify(json).slice(1)), cbor: encoder.encode(cbor).subarray(1) }
}

export type Parts = { head: Head; tail: Buffer; format: Format }

/** A body in pieces, the last of which is the tail itself. */
export function bodyPieces({ head, tail, format }: Parts): Buffer[] {
  if (format === 'json') return [Buffer.from(`${JSON.stringify(head).slice(0, -1)},`), tail]
  // A map of fewer than 24 entries is one byte with their number, then the entries.
  return [Buffer.of(CBOR_MAP + HEAD_ENTRIES + TAIL_ENTRIES), encoder.encode(head).subarray(1), tail]
}

export const joinBody = (parts: Parts): Buffer => Buffer.concat(bodyPieces(parts))

const CBOR_MAP = 0xa0
const HEAD_ENTRIES = 3
const TAIL_ENTRIES = 2
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
