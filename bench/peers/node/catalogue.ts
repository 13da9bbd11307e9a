/** The item table as this peer holds it: a Map from id to row. N candidates, C content dims. */

import type { Sequence } from '../../../src/features/sequence.ts'
import { ItemTable } from '../../../src/items/item_table.ts'
import type { EventColumns } from '../../../src/tower/inputs.ts'

export type Known = {
  /** Of the candidates that the table holds, each once: row, and position in the request. */
  rows: Int32Array
  positions: Uint32Array
}

export type Catalogue = {
  resolve(ids: readonly number[]): Known
  /** The newest events whose items are in the table. */
  events(sequence: Sequence, length: number): EventColumns
}

export function openCatalogue(path: string): Catalogue {
  const table = ItemTable.open(path)
  const all = Uint32Array.from({ length: table.info.rows }, (_, row) => row)
  const row_of = new Map(Array.from(table.keysOf(all), (key, row) => [Number(key), row]))
  // The request that last saw a row; repeated candidates are found without a set per request.
  const seen = new Uint32Array(table.info.rows)
  let request = 0
  return {
    resolve(ids) {
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
    },
    events(sequence, length) {
      const rows = Array.from(sequence.keys, (key) => row_of.get(Number(key)))
      const kept = rows.flatMap((row, event) => (row === undefined ? [] : [{ row, event }])).slice(0, length)
      const content = new Float32Array(kept.length * table.info.content_dims)
      table.readContent(
        Uint32Array.from(kept, ({ row }) => row),
        content,
      )
      const now_ms = Date.now()
      return {
        length: kept.length,
        content,
        actions: kept.map(({ event }) => sequence.actions[event]),
        ages_seconds: kept.map(({ event }) => Math.max(0, now_ms - sequence.times_ms[event]) / 1000),
      }
    },
  }
}
