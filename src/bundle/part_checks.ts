/** Do the bundle's files and its item table belong to the manifest? */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ItemTable } from '../items/item_table.ts'
import type { Manifest } from './manifest.ts'
import type { Pace } from './pace.ts'
import type { Problem } from './problems.ts'

/** What is hashed at once on the main thread: about 0.1 ms. */
const CHUNK_BYTES = 2 ** 17

type HashOptions = { manifest: Manifest; pace: Pace }

export async function hashProblems(directory: string, { manifest, pace }: HashOptions): Promise<Problem[]> {
  const problems: Problem[] = []
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  for (const [path, expected] of Object.entries(manifest.files)) {
    try {
      const found = await sha256Of(join(directory, path), { chunk, pace })
      if (found !== expected) problems.push({ path, found: `SHA-256 ${found}`, expected })
    } catch (error) {
      pace.signal?.throwIfAborted()
      problems.push({ path, found: (error as Error).message, expected: 'a file that can be read' })
    }
  }
  // It lived long enough to be garbage that only a collection of the whole heap would free, and the next reload brings more.
  chunk.buffer.transfer(0)
  return problems
}

/** The one part that no training run leaves: it is made from the catalogue. */
export function absentTable(directory: string): Problem[] {
  if (existsSync(join(directory, 'items.table'))) return []
  const expected = 'an item table; `prerank items build` makes it from the catalogue'
  return [{ path: 'items.table', found: 'no file', expected }]
}

export function tableProblems({ info }: ItemTable, manifest: Manifest): Problem[] {
  const { items } = manifest
  const pairs: [string, string | number, string | number][] = [
    ['fingerprint', info.fingerprint, manifest.fingerprint],
    ['dims', info.dims, manifest.dims],
    ['dtype', info.dtype, items.dtype],
    ['id_kind', info.id_kind, items.id_kind],
    ['content_dims', info.content_dims, items.content?.dims ?? 0],
    ['scalars', info.scalars.join(', '), items.scalars.map((scalar) => scalar.name).join(', ')],
  ]
  return pairs.flatMap(([name, found, expected]) =>
    found === expected
      ? []
      : [
          {
            path: `items.table: ${name}`,
            found: `${found || 'none'}`,
            expected: `${expected || 'none'} as in the manifest`,
          },
        ],
  )
}

/** Through one buffer: a stream would take memory for each chunk, and V8 would mark the whole heap to free it. */
async function sha256Of(path: string, { chunk, pace }: { chunk: Buffer<ArrayBuffer>; pace: Pace }): Promise<string> {
  const hash = createHash('sha256')
  await using file = await open(path)
  for (;;) {
    const { bytesRead } = await file.read(chunk)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(chunk.subarray(0, bytesRead))
    await pace.rest()
  }
}
