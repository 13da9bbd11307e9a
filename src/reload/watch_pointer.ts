/**
 * Notices that `current` points at another bundle. It looks at the pointer again and again instead of asking the system for
 * events: inotify says nothing about changes that another host makes on a network file system, loses sight of a file that
 * a rename replaces, and a look costs some microseconds. A change counts when two looks in a row see the same, so that a
 * pointer that is being rewritten is not read half.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { locateBundle } from '../bundle/locate.ts'

export type WatchOptions = {
  bundle_dir: string
  poll_ms: number
  /** Directory that was opened first. */
  known: string
  /** Waited for before the next look; must not reject. */
  onChange(target: string): Promise<void>
}

/** Returns what ends the watch. */
export function watchPointer({ bundle_dir, poll_ms, onChange, ...options }: WatchOptions): () => void {
  const ended = new AbortController()
  const { signal } = ended
  let { known } = options
  let seen = known
  const watch = async () => {
    for (;;) {
      await sleep(poll_ms, undefined, { signal, ref: false })
      const found = await target(bundle_dir)
      if (found === seen && found !== known) {
        known = found
        await onChange(found)
      }
      seen = found
    }
  }
  // Nothing in it rejects but the end of the watch.
  watch().catch(() => {})
  return () => ended.abort()
}

/** A pointer that leads nowhere has changed too: the reload will say what is wrong with it. */
function target(bundle_dir: string): Promise<string> {
  return locateBundle(bundle_dir).catch((error: Error) => error.message)
}
