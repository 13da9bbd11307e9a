/**
 * Query texts → store keys and tokens. SQL has no NFKC and another lower case than the server, so every distinct text
 * goes through the server's own functions once, and a table of the answers is joined back.
 */
import type { DuckDBAppender } from '@duckdb/node-api'
import { countTokens } from '../../features/counts.ts'
import { queryKey } from '../../features/text.ts'
import type { DuckSession } from '../duck/session.ts'
import type { Job } from '../run/job.ts'

export async function createQueryTables(session: DuckSession, job: Job): Promise<number> {
  await session.run(`
    CREATE OR REPLACE TABLE query_texts (query VARCHAR, query_key VARCHAR);
    CREATE OR REPLACE TABLE query_tokens (query_key VARCHAR, token VARCHAR)`)
  const texts = await session.appender('query_texts')
  const tokens = await session.appender('query_tokens')
  const step = job.progress.step('normalising queries', { unit: 'queries' })
  let done = 0
  for await (const chunk of session.chunks(DISTINCT_QUERIES)) {
    for (const query of chunk.getColumnValues(0)) appendQuery({ texts, tokens, query: String(query) })
    done += chunk.rowCount
    step.advance(done)
  }
  texts.closeSync()
  tokens.closeSync()
  step.finish(`${done.toLocaleString('en-US')} distinct`)
  await session.runFile('query_ids')
  return done
}

const DISTINCT_QUERIES = `SELECT DISTINCT query FROM events_checked
  WHERE reason IS NULL AND action IN (SELECT action FROM buckets)`

function appendQuery({ texts, tokens, query }: { texts: DuckDBAppender; tokens: DuckDBAppender; query: string }): void {
  const key = queryKey(query)
  texts.appendVarchar(query)
  texts.appendVarchar(key)
  texts.endRow()
  for (const token of countTokens(query)) {
    tokens.appendVarchar(key)
    tokens.appendVarchar(token)
    tokens.endRow()
  }
}
