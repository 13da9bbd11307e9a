/** Items for the table builds: a catalogue with titles for the tower, and ready vectors as .npy. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const WORDS = 5000
const CHUNK_ROWS = 65_536

export async function writeCatalogue(path: string, items: number): Promise<void> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const word = (factor: number) => `'word' || (range * ${factor} % ${WORDS})`
  await connection.run(`COPY (
    SELECT CAST(range * 7 + 1 AS UBIGINT) AS item, concat_ws(' ', ${[7, 131, 1009, 4507].map(word).join(', ')}) AS title
    FROM range(${items})) TO '${path}' (FORMAT parquet)`)
  connection.disconnectSync()
  instance.closeSync()
}

/** Numbers in [−0.5, 0.5) from a linear congruential generator: what they are does not matter, that they are new does. */
export function writeNpy(path: string, { rows, dims }: { rows: number; dims: number }): void {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${dims}), }`
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(117)}\n`, 'latin1')
  header.writeUInt16LE(header.length - 10, 8)
  const file = openSync(path, 'w')
  writeSync(file, header)
  const chunk = new Float32Array(CHUNK_ROWS * dims)
  let state = 1
  for (let first = 0; first < rows; first += CHUNK_ROWS) {
    const values = Math.min(CHUNK_ROWS, rows - first) * dims
    for (let at = 0; at < values; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      chunk[at] = state / 2 ** 32 - 0.5
    }
    writeSync(file, new Uint8Array(chunk.buffer, 0, values * 4))
  }
  closeSync(file)
}
