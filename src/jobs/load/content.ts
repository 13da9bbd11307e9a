/** What snapshots hold, as a name: the same snapshots get the same, other ones another. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'

export async function contentName(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(`${basename(file)}\n`)
    await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash, { end: false })
  }
  return `c${hash.digest('hex').slice(0, 16)}`
}
