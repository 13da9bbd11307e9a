/** Stored values in words: a count blob, a sequence, a query embedding. */
import { parseCountBlob } from '../../features/counts.ts'
import { decodeEvents } from '../../features/sequence.ts'
import { formatCount, formatTable } from '../run/format.ts'

/** What the bytes mean follows from these; without them a value is described as far as it describes itself. */
export type Meaning = { columns: readonly string[]; actions: Readonly<Record<string, number>> }

const ITEMS_SHOWN = 10
const EVENTS_SHOWN = 20

export function describeValue(key: string, value: Uint8Array, meaning: Meaning): string {
  const body = key.startsWith('seq:')
    ? describeSequence(value, meaning)
    : key.startsWith('qemb:')
      ? describeEmbedding(value)
      : describeBlob(value, meaning)
  return `${key}  ${formatCount(value.byteLength)} bytes\n${indent(body)}`
}

function describeBlob(value: Uint8Array, { columns }: Meaning): string {
  const blob = parseCountBlob(value, columns)
  const items = blob.keys.length
  const sum = (item: number) => columns.reduce((total, _, column) => total + blob.counts[column * items + item], 0)
  const best = Array.from({ length: items }, (_, item) => item)
    .sort((a, b) => sum(b) - sum(a) || a - b)
    .slice(0, ITEMS_SHOWN)
  const rows = [
    ['', ...columns],
    ['all engagements', ...Array.from(blob.totals, String)],
    ...best.map((item) => [
      `item ${blob.keys[item]}`,
      ...columns.map((_, column) => String(blob.counts[column * items + item])),
    ]),
  ]
  const more = items > best.length ? `\n… ${formatCount(items - best.length)} more items` : ''
  return `counts as of ${new Date(blob.as_of_ms).toISOString()}, ${formatCount(items)} items\n${formatTable(rows)}${more}`
}

function describeSequence(value: Uint8Array, { actions }: Meaning): string {
  const { keys, times_ms, actions: codes } = decodeEvents(value)
  const names = new Map(Object.entries(actions).map(([name, code]) => [code, name]))
  const rows = Array.from(keys.subarray(0, EVENTS_SHOWN), (key, at) => [
    new Date(times_ms[at]).toISOString(),
    names.get(codes[at]) ?? `action ${codes[at]}`,
    `item ${key}`,
  ])
  const more = keys.length > rows.length ? `\n… ${keys.length - rows.length} older` : ''
  return `${keys.length} engagements, newest first${rows.length > 0 ? `\n${formatTable(rows)}` : ''}${more}`
}

function describeEmbedding(value: Uint8Array): string {
  const floats = new Float32Array(Uint8Array.from(value).buffer, 0, Math.floor(value.byteLength / 4))
  const shown = Array.from(floats.subarray(0, 8), (x) => x.toFixed(4)).join(', ')
  return `${floats.length} numbers, norm ${Math.hypot(...floats).toFixed(4)}: ${shown}${floats.length > 8 ? ', …' : ''}`
}

export function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}
