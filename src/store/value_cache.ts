/**
 * Values of hot keys, kept between requests: five count blobs of 200 kB are 1 MB of copying per request otherwise. Bounded
 * in bytes and short-lived; the oldest go first, but for those that were used since they were last spared. That a key is absent is kept too. Keys carry their version, so what
 * belongs to an old one is never handed out.
 */
import { keptBytes } from './kept_bytes.ts'

export type ValueCache = {
  /** Undefined when not known; null when known to be absent. */
  get(key: string): Uint8Array | null | undefined
  set(key: string, value: Uint8Array | null): void
  clear(): void
  readonly bytes: number
}

export type ValueCacheOptions = { bytes_max: number; ttl_ms: number }

type Entry = { value: Uint8Array | null; bytes: number; expires_ms: number; renewing: boolean; used: boolean }

/** The first to find a value expired reads it again; others are served it that much longer instead of all reading it. */
const RENEWAL_MS = 100

export function createValueCache({ bytes_max, ttl_ms }: ValueCacheOptions, now = () => performance.now()): ValueCache {
  const entries = new Map<string, Entry>()
  let bytes = 0

  function remove(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  /** A Map keeps insertion order: it comes last now. Moving at every use instead would cost each read more than the look-up. */
  function spare(key: string, entry: Entry): void {
    entry.used = false
    entries.delete(key)
    entries.set(key, entry)
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      if (entry.expires_ms <= now()) {
        if (entry.renewing) remove(key)
        entry.renewing = true
        entry.expires_ms = now() + RENEWAL_MS
        return undefined
      }
      entry.used = true
      return entry.value
    },
    set(key, value) {
      remove(key)
      const cost = keptBytes(key, value)
      if (cost > bytes_max) return
      entries.set(key, { value, bytes: cost, expires_ms: now() + ttl_ms, renewing: false, used: false })
      bytes += cost
      for (const [oldest, entry] of entries) {
        if (bytes <= bytes_max) break
        if (entry.used) spare(oldest, entry)
        else remove(oldest)
      }
    },
    clear() {
      entries.clear()
      bytes = 0
    },
    get bytes() {
      return bytes
    },
  }
}
