/** A generated engagement log: Zipf-like queries, items and users, a year of time, contexts; made by DuckDB in files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

export type LogShape = { events: number; queries: number; items: number; users: number }

const ROWS_PER_FILE = 5_000_000
export const LOG_END_MS = Date.UTC(2026, 0, 1)
const SPAN_MS = 365 * 86_400_000

/** Writes `events-<n>.parquet` files; seeded, one thread, so that a rerun measures the same log. */
export async function generateLog(directory: string, shape: LogShape): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run('SELECT setseed(0.25)')
  for (let first = 0; first < shape.events; first += ROWS_PER_FILE) {
    const rows = Math.min(ROWS_PER_FILE, shape.events - first)
    const path = join(directory, `events-${String(first / ROWS_PER_FILE).padStart(3, '0')}.parquet`)
    await connection.run(`COPY (${selectRows({ ...shape, first, rows })}) TO '${path}' (FORMAT parquet)`)
  }
  connection.disconnectSync()
  instance.closeSync()
}

/** pow(n, random()) is spread evenly over the logarithm: rank r has a weight near 1/r. */
function selectRows({
  events,
  queries,
  items,
  users,
  first,
  rows,
}: LogShape & { first: number; rows: number }): string {
  return `
    SELECT time, "user", printf('term%d of kind%d', query % 40000, query // 7 % 3000) AS query, item, action, country, gender
    FROM (
      SELECT
        CAST(${LOG_END_MS - SPAN_MS} + (${first} + range) * ${SPAN_MS / events} AS BIGINT) AS time,
        printf('user%d', CAST(floor(pow(${users}, random())) AS BIGINT)) AS "user",
        CAST(floor(pow(${queries}, random())) AS BIGINT) AS query,
        CAST(floor(pow(${items}, random())) AS UBIGINT) AS item,
        CASE WHEN draw < 0.5 THEN 'impression' WHEN draw < 0.85 THEN 'click' WHEN draw < 0.95 THEN 'long_click' ELSE 'save' END AS action,
        ['DE', 'FR', 'US', 'JP', 'BR'][1 + CAST(floor(pow(5, random())) AS INTEGER) % 5] AS country,
        CASE WHEN random() < 0.5 THEN 'f' ELSE 'm' END AS gender
      FROM (SELECT range, random() AS draw FROM range(${rows}))
    )`
}
