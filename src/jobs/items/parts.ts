/**
 * Tower outputs of finished blocks, kept in the work directory so that an interrupted build goes on where it stopped.
 * They count only for the same bundle and catalogue; a part is whole or absent, because it takes its name when synced.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Workspace, writeDurably } from '../run/workspace.ts'

export type Parts = {
  /** The saved floats of a block, or null. */
  read(block: number, digest: string, floats: number): Promise<Float32Array | null>
  write(block: number, digest: string, values: Float32Array): Promise<void>
}

export async function openParts(workspace: Workspace, identity: string): Promise<Parts> {
  const directory = workspace.path('parts')
  const known = await readFile(join(directory, 'identity'), 'utf8').catch(() => '')
  if (known !== identity) {
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory, { recursive: true })
    await writeDurably(join(directory, 'identity'), identity)
  }
  const pathOf = (block: number, digest: string) => join(directory, `${String(block).padStart(8, '0')}-${digest}`)
  return {
    async read(block, digest, floats) {
      const bytes = await readFile(pathOf(block, digest)).catch(() => null)
      if (bytes?.length !== floats * 4) return null
      return new Float32Array(Uint8Array.from(bytes).buffer)
    },
    async write(block, digest, values) {
      const path = pathOf(block, digest)
      await writeDurably(`${path}.tmp`, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      await rename(`${path}.tmp`, path)
    },
  }
}

/** What the outputs follow from: the bundle, the catalogue's files as they are now, and how their columns are read. */
export async function buildIdentity(options: {
  fingerprint: string
  files: readonly string[]
  renamed: ReadonlyMap<string, string>
}): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([options.fingerprint, [...options.renamed]]))
  for (const file of options.files) {
    const { size, mtimeMs } = await stat(file)
    hash.update(JSON.stringify([file, size, mtimeMs]))
  }
  return hash.digest('hex')
}
