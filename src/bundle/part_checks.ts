/** Do the bundle's files and its item table belong to the manifest? */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ItemTable } from '../items/item_table.ts'
import type { Manifest } from './manifest.ts'
import type { Problem } from './problems.ts'

export async function hashProblems(directory: string, { files }: Manifest): Promise<Problem[]> {
  const checks = Object.entries(files).map(async ([file, expected]): Promise<Problem[]> => {
    try {
      const found = await sha256Of(join(directory, file))
      return found === expected ? [] : [{ path: file, found: `SHA-256 ${found}`, expected }]
    } catch (error) {
      return [{ path: file, found: (error as Error).message, expected: 'a file that can be read' }]
    }
  })
  return (await Promise.all(checks)).flat()
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

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}
