/**
 * Whether what batch builds write is there. `prerank load` leaves a version pointer; where there is none, keys carry no
 * version, or everything is gone: a Redis that restarted without persistence answers quickly, and with nothing. Such a
 * store counts as not loaded, and requests as degraded, until a read finds a batch-built value under a plain key.
 */
import type { Reply } from './redis_commands.ts'
import { StoreError } from './store.ts'
import type { VersionPointer } from './version_pointer.ts'

export type Loaded = {
  /** False: no version, and nothing was found without one. */
  readonly ok: boolean
  readonly problem: string
  /** What a read of a batch-built value under a version's keys means: absence is a loss while nothing is loaded. */
  judge(reply: Reply, version: string | null): Reply
  /** The version pointer has changed, or the connection is another one. */
  forget(): void
}

export function watchLoaded(pointer: Pick<VersionPointer, 'version'>, prefix: string): Loaded {
  const problem = `nothing is loaded: there is no ${prefix}current; run "prerank load"`
  let found = false
  return {
    get ok() {
      return pointer.version !== null || found
    },
    problem,
    judge(reply, version) {
      if (reply instanceof Uint8Array) found = true
      return reply !== null || version !== null || found ? reply : new StoreError('not_loaded', problem)
    },
    forget() {
      found = false
    },
  }
}
