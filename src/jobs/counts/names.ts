/** Names of ascending ids, read forward from a table as they are asked for; never all in memory. */
import type { DuckSession } from '../duck/session.ts'

export type Names = { of(id: number): Promise<string>; close(): Promise<void> }

/** `sql` gives (id INTEGER, name VARCHAR) in ascending order. An id below the last one starts over. */
export function openNames(session: DuckSession, sql: string): Names {
  let rows: AsyncGenerator<[number, string]> | undefined
  let current: [number, string] | undefined

  async function next(): Promise<[number, string]> {
    rows ??= readRows(session, sql)
    const { value, done } = await rows.next()
    if (done) throw new Error(`no name for an id after ${current?.[0]}`)
    return value
  }

  return {
    async of(id) {
      if (current !== undefined && id < current[0]) {
        await rows?.return(undefined)
        rows = undefined
        current = undefined
      }
      while (current === undefined || current[0] < id) current = await next()
      return current[1]
    },
    async close() {
      await rows?.return(undefined)
    },
  }
}

async function* readRows(session: DuckSession, sql: string): AsyncGenerator<[number, string]> {
  for await (const chunk of session.chunks(sql)) {
    const ids = chunk.getColumnValues(0)
    const names = chunk.getColumnValues(1)
    for (let at = 0; at < ids.length; at++) yield [Number(ids[at]), String(names[at])]
  }
}
