/** The keys of a file, read again when it changes. */
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { type KeyEntry, parseKeys } from './keys.ts'
import { watchFiles } from './watch_files.ts'

export type Keys = {
  entries(): readonly KeyEntry[]
  close(): void
}

/** Throws where the file cannot be used; later, a file that cannot be used changes nothing and is an error in the log. */
export function openKeyFile(path: string, logger: Pick<Logger, 'info' | 'error'>): Keys {
  const read = () => parseKeys(readFileSync(path, 'utf8'), path)
  let entries = read()
  logger.info({ keys: namesOf(entries) }, 'keys read')
  const close = watchFiles([path], () => {
    try {
      entries = read()
      logger.info({ keys: namesOf(entries) }, 'keys read again')
    } catch (error) {
      logger.error({ problem: (error as Error).message }, 'keys not read again: those from before stay')
    }
  })
  return { entries: () => entries, close }
}

const namesOf = (entries: readonly KeyEntry[]) => entries.map(({ name, scopes }) => `${name}:${scopes.join(',')}`)
