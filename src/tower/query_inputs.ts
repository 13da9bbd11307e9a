/** The query tower's inputs for a request: its own fields, and the content of the items in the user's and query's past. */
import type { Manifest } from '../bundle/manifest.ts'
import { contextValue } from '../features/context.ts'
import { xxh64 } from '../features/hash.ts'
import { ACTION_CODES, emptySequence, type Sequence } from '../features/sequence.ts'
import type { StoredBlob, StoredFeatures } from '../features/stored.ts'
import { topItems } from '../features/top_items.ts'
import type { ItemTable } from '../items/item_table.ts'
import { NO_ROW } from '../kernel/kernel.ts'
import type { PrerankRequest, SequenceEvent } from '../prerank/request.ts'
import { compileInputs, type EventColumns, type InputValue, type TopColumns, type TowerFeed } from './inputs.ts'

export type QueryInput = { request: PrerankRequest; stored: StoredFeatures; now_ms: number }

export type QueryInputs = (input: QueryInput) => TowerFeed

export function compileQueryInputs(manifest: Manifest, table: ItemTable): QueryInputs {
  const { inputs } = manifest.query_tower
  const assembler = compileInputs(inputs, manifest.vocabularies)
  const length = manifest.sequence?.length ?? 0
  // Filled and copied into the feed within one call.
  const events_memory = createEventsMemory(length, table.info.content_dims)
  const reads_events = inputs.some(({ source }) => source.kind === 'sequence')
  const known_actions = knownActions(manifest)
  const top = topReader(manifest, table)
  return ({ request, stored, now_ms }) => {
    const feed = assembler.create(1)
    const sequence = sequenceOf(manifest, { request, stored })
    assembler.fill(feed, 0, {
      value: (path) => valueAt(path, request, stored),
      events: reads_events
        ? eventColumns(sequence, { table, known_actions, memory: events_memory, now_ms })
        : undefined,
      topItems: (segment, column) => top(stored.blobs, segment, column),
    })
    return feed
  }
}

/** The caller's sequence, where there is one, takes the place of the stored one. */
function sequenceOf(
  manifest: Manifest,
  { request, stored }: { request: PrerankRequest; stored: StoredFeatures },
): Sequence {
  const given = request.user?.sequence
  return given ? inlineSequence(manifest, given) : (stored.sequence ?? emptySequence())
}

function inlineSequence({ actions, items }: Manifest, events: readonly SequenceEvent[]): Sequence {
  const newest_first = events.toSorted((a, b) => b.time - a.time)
  const keyOf = items.id_kind === 'u64' ? BigInt : (item: SequenceEvent['item']) => xxh64(String(item))
  return {
    keys: BigUint64Array.from(newest_first, (event) => keyOf(event.item)),
    actions: Uint8Array.from(newest_first, (event) => actions[event.action]),
    times_ms: Float64Array.from(newest_first, (event) => event.time),
  }
}

type EventsMemory = { rows: Uint32Array; content: Float32Array; actions: Uint8Array; ages_seconds: Float64Array }

const createEventsMemory = (length: number, content_dims: number): EventsMemory => ({
  rows: new Uint32Array(length),
  content: new Float32Array(length * content_dims),
  actions: new Uint8Array(length),
  ages_seconds: new Float64Array(length),
})

/** By action code. Stored sequences outlive bundles: the tower has no embedding for an action of another one. */
function knownActions({ actions }: Manifest): Uint8Array {
  const known = new Uint8Array(ACTION_CODES)
  for (const code of Object.values(actions)) known[code] = 1
  return known
}

type EventsOptions = { table: ItemTable; known_actions: Uint8Array; memory: EventsMemory; now_ms: number }

/** The newest events whose items are in the table and whose actions the bundle knows. A clock that runs behind the events' gives age 0. */
function eventColumns(
  { keys, actions, times_ms }: Sequence,
  { table, known_actions, memory, now_ms }: EventsOptions,
): EventColumns {
  const rows = table.rowsOf(keys)
  let count = 0
  for (let index = 0; index < rows.length && count < memory.rows.length; index++) {
    if (rows[index] === NO_ROW || known_actions[actions[index]] === 0) continue
    memory.rows[count] = rows[index]
    memory.actions[count] = actions[index]
    memory.ages_seconds[count++] = Math.max(0, now_ms - times_ms[index]) / 1000
  }
  table.readContent(memory.rows.subarray(0, count), memory.content)
  return { ...memory, length: count }
}

type TopReader = (blobs: readonly StoredBlob[], segment: string, column: string) => TopColumns | undefined

/**
 * Several inputs read the same items (content, mask, share); they are found once per blob. Their content is read anew for each
 * request: kept beside a small blob it would be many times as large.
 */
function topReader(manifest: Manifest, table: ItemTable): TopReader {
  const columns = manifest.counts.columns.map((column) => column.name)
  const n = topCounts(manifest)
  const found = new WeakMap<StoredBlob['counts'], Map<string, TopColumns>>()
  return (blobs, segment, column) => {
    const blob = blobs.find((candidate) => candidate.segment === segment)
    if (!blob) return undefined
    const key = `${segment}/${column}`
    const known = found.get(blob.counts) ?? new Map<string, TopColumns>()
    found.set(blob.counts, known)
    const top =
      known.get(key) ??
      topColumns(table, topItems(blob.counts, { column: columns.indexOf(column), n: n.get(key) ?? 0 }))
    known.set(key, top)
    return top
  }
}

function topColumns(table: ItemTable, { keys, shares }: { keys: BigUint64Array; shares: Float32Array }): TopColumns {
  const found = table.rowsOf(keys)
  const known = knownIndexes(found)
  const rows = Uint32Array.from(known, (index) => found[index])
  return {
    length: known.length,
    content: () => contentOf(table, rows),
    shares: Float32Array.from(known, (index) => shares[index]),
  }
}

/** How many items the inputs on one column of one segment take; they agree on it (see bundle/checks.ts). */
function topCounts(manifest: Manifest): Map<string, number> {
  return new Map(
    manifest.query_tower.inputs.flatMap(({ source, shape }): [string, number][] =>
      source.kind === 'top_items' ? [[`${source.segment}/${source.column}`, shape[0]]] : [],
    ),
  )
}

function knownIndexes(rows: Uint32Array): number[] {
  const known: number[] = []
  for (let index = 0; index < rows.length; index++) if (rows[index] !== NO_ROW) known.push(index)
  return known
}

function contentOf(table: ItemTable, rows: Uint32Array): Float32Array {
  const content = new Float32Array(rows.length * table.info.content_dims)
  table.readContent(rows, content)
  return content
}

function valueAt(path: string, { query, user }: PrerankRequest, stored: StoredFeatures): InputValue | undefined {
  if (path === 'query.text') return query.text
  if (path === 'query.embedding') return query.embedding ?? stored.embedding ?? undefined
  const named = /^(query|user)\.features\.(.+)$/.exec(path)
  if (!named) return contextValue(user, path.slice('user.'.length))
  return (named[1] === 'query' ? query.features : user?.features)?.[named[2]]
}
