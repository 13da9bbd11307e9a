/** Redis keys of a load (docs/formats.md §6). */

/** Key families; a version may not be named like one, or its keys could not be told apart. */
const FAMILIES = ['seq', 'iqp', 'iqp-live', 'qemb', 'current', 'loading']
const VERSION = /^[A-Za-z0-9_.-]{1,64}$/

export type LoadKeys = {
  current: string
  /** Held by the load under way. */
  lock: string
  staged(key: string): string
  served(key: string): string
  /** The version that a key belongs to, or null. */
  versionOf(redis_key: string): string | null
  /** Pattern for SCAN. */
  pattern: string
}

export function loadKeys({ prefix, version }: { prefix: string; version: string }): LoadKeys {
  return {
    current: `${prefix}current`,
    lock: `${prefix}loading`,
    staged: (key) => `${prefix}${version}:${key}`,
    served: (key) => `${prefix}${key}`,
    versionOf(redis_key) {
      if (!redis_key.startsWith(prefix)) return null
      const [name, family] = redis_key.slice(prefix.length).split(':', 2)
      return isVersion(name) && FAMILIES.includes(family) ? name : null
    },
    pattern: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*:*`,
  }
}

export function isVersion(name: string): boolean {
  return VERSION.test(name) && !FAMILIES.includes(name)
}
