/**
 * `pr:current`, the version of the batch-built keys, re-read in the background so that no request pays for it. While Redis
 * is away the last known version stays.
 */
import { withDeadline } from './deadline.ts'

const VERSION = /^[A-Za-z0-9_.-]{1,64}$/

export type VersionPointer = {
  /** Null: keys are not versioned. Undefined: it was never read. */
  readonly version: string | null | undefined
  /** Why the last attempt failed. */
  readonly problem: string | null
  /** Whether it was read since the connection was made: the server that comes back may be another one, or empty. */
  readonly confirmed: boolean
  /** The connection is gone. */
  doubt(): void
  refresh(): Promise<void>
  close(): void
}

export type VersionPointerOptions = {
  read: () => Promise<string | null>
  refresh_ms: number
  timeout_ms: number
  onChange: () => void
}

export function watchVersion({ read, refresh_ms, timeout_ms, onChange }: VersionPointerOptions): VersionPointer {
  let version: string | null | undefined
  let problem: string | null = 'not read yet'
  let confirmed = false
  let running: Promise<void> | null = null
  const timer = setInterval(refresh, refresh_ms)
  timer.unref()

  async function attempt(): Promise<void> {
    try {
      const found = await withDeadline(read(), timeout_ms)
      if (found !== null && !VERSION.test(found))
        throw new Error(`found version ${JSON.stringify(found.slice(0, 80))}, expected ${VERSION.source}`)
      problem = null
      confirmed = true
      if (found === version) return
      version = found
      onChange()
    } catch (error) {
      problem = `version pointer: ${(error as Error).message}`
    }
  }

  function refresh(): Promise<void> {
    running ??= attempt().finally(() => {
      running = null
    })
    return running
  }

  return {
    get version() {
      return version
    },
    get problem() {
      return problem
    },
    get confirmed() {
      return confirmed
    },
    doubt() {
      confirmed = false
    },
    refresh,
    close: () => clearInterval(timer),
  }
}
