/** A random log with everything that makes counting hard: odd texts, window edges, missing users, events after the as-of time. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRandom } from '../lib/random.ts'
import type { LogEvent } from './log_oracle.ts'
import { duck } from './support.ts'

export const AS_OF_MS = Date.UTC(2025, 5, 1)
const DAY_MS = 86_400_000

const QUERIES = [
  'Red  Shoes',
  'red shoes',
  'ＲＥＤ ｓｈｏｅｓ',
  'İSTANBUL çay',
  'ΟΔΟΣ',
  'straße',
  'STRASSE',
  'e\u0301toile',
  'étoile',
  '{braces} here',
  'a',
  'a b',
  'a!',
  'one two three four five six seven eight nine ten',
  'x'.repeat(200),
  '',
  '   ',
  '靴 🥾 boots',
  'it\'s "quoted", and; comma',
]
const COUNTRIES = ['DE', 'A', 'A!', 'US', null]
const ACTIONS = ['impression', 'click', 'long_click', 'save', 'short_click']
/** Around the edges of the windows of COUNT_COLUMNS. */
const EDGES = [0, 0.5, 7, 30].flatMap((days) => [-1, 0, 1].map((ms) => AS_OF_MS - days * DAY_MS + ms))

export function randomLog({ events = 3000, seed = 1, ids = 'u64' as 'u64' | 'string' } = {}): LogEvent[] {
  const random = createRandom(seed)
  const one = <T>(values: readonly T[]) => values[random.integer(values.length)]
  return Array.from({ length: events }, () => {
    const number = random.integer(60)
    // Beyond 2^63 a signed comparison would put them first.
    const key = number % 3 === 0 ? 2n ** 64n - 1n - BigInt(number) : BigInt(number)
    return {
      time: random.uniform() < 0.2 ? one(EDGES) : AS_OF_MS + DAY_MS - random.integer(60 * DAY_MS),
      user: random.uniform() < 0.1 ? null : `ü${random.integer(40)}${one(['', '}', ' x'])}`,
      query: one(QUERIES),
      item: ids === 'u64' ? `${key}` : `item ${number}`,
      action: one(ACTIONS),
      country: one(COUNTRIES),
    }
  })
}

export type LogFormat = 'parquet' | 'csv' | 'jsonl'

export async function writeLog(folder: string, events: LogEvent[], format: LogFormat): Promise<string> {
  const path = join(folder, `events.${format}`)
  const lines = join(folder, 'events.source.jsonl')
  await writeFile(format === 'jsonl' ? path : lines, events.map((event) => JSON.stringify(event)).join('\n'))
  if (format === 'jsonl') return path
  const columns = `{time: 'BIGINT', "user": 'VARCHAR', query: 'VARCHAR', item: 'VARCHAR', action: 'VARCHAR', country: 'VARCHAR'}`
  const to = format === 'csv' ? '(FORMAT csv, HEADER)' : '(FORMAT parquet)'
  await duck(`COPY (FROM read_json('${lines}', columns = ${columns})) TO '${path}' ${to}`)
  return path
}
