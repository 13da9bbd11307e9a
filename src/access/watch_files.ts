import { unwatchFile, watchFile } from 'node:fs'

/** How long a change may stay unseen. */
const CHECK_MS = 1000

/**
 * Calls `onChange` after any of the files has changed, until it is told to stop. Files are looked at, not listened to:
 * Kubernetes replaces mounted secrets by moving a link, which file events of the old file do not show.
 */
export function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  for (const path of paths) watchFile(path, { interval: CHECK_MS, persistent: false }, onChange)
  return () => {
    for (const path of paths) unwatchFile(path, onChange)
  }
}
