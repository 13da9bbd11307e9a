/** Candidate ids to rows through a Map. N candidates. */
import type { ItemTable } from '../../../src/items/item_table.ts'

export type Known = {
  /** Of the candidates that the table holds, each once: row, and position in the request. */
  rows: Int32Array
  positions: Uint32Array
}

export function createResolve(table: ItemTable): (ids: readonly number[]) => Known {
  const all = Uint32Array.from({ length: table.info.rows }, (_, row) => row)
  const row_of = new Map(Array.from(table.keysOf(all), (key, row) => [Number(key), row]))
  // The request that last saw a row: repeated candidates are found without a set per request.
  const seen = new Uint32Array(table.info.rows)
  let request = 0
  return (ids) => {
    request++
    const rows = new Int32Array(ids.length)
    const positions = new Uint32Array(ids.length)
    let known = 0
    for (let position = 0; position < ids.length; position++) {
      const row = row_of.get(ids[position])
      if (row === undefined || seen[row] === request) continue
      seen[row] = request
      rows[known] = row
      positions[known++] = position
    }
    return { rows: rows.subarray(0, known), positions: positions.subarray(0, known) }
  }
}
