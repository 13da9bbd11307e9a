/** A file of API keys in a folder of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKey, SCOPES, type Scope } from '../../src/access/keys.ts'

export type TestKeys = {
  path: string
  /** By scope; the name of the key is its scope. */
  keys: Record<Scope, string>
  lines: string[]
  write(lines: string[]): Promise<void>
  remove(): Promise<void>
}

export async function writeKeyFile(): Promise<TestKeys> {
  const directory = await mkdtemp(join(tmpdir(), 'prerank-keys-'))
  const path = join(directory, 'keys')
  const made = SCOPES.map((scope) => ({ scope, ...createKey({ name: scope, scopes: [scope] }) }))
  const write = (lines: string[]) => writeFile(path, `# who may call what\n\n${lines.join('\n')}\n`)
  const lines = made.map(({ line }) => line)
  await write(lines)
  return {
    path,
    keys: Object.fromEntries(made.map(({ scope, key }) => [scope, key])) as Record<Scope, string>,
    lines,
    write,
    remove: () => rm(directory, { recursive: true }),
  }
}
