/** Redis keys of a load (docs/formats.md §6). */

/** Key families that a load writes under its version. */
const VERSIONED = ['seq', 'iqp', 'qemb']
/** What may stand after the prefix itself; a version may not be named like one, or its keys could not be told apart. */
const RESERVED = [...VERSIONED, 'iqp-live', 'current', 'versions', 'loading']
const VERSION = /^[A-Za-z0-9_.-]{1,64}$/

export type LoadKeys = {
  current: string
  /** Hash: version → content, of all that loads of this prefix have begun to write and not yet removed. */
  versions: string
  /** Held by the load under way. */
  lock: string
  /** There where the prefix together with the version is the prefix of another deployment. */
  neighbour: string
  staged(key: string): string
  served(key: string): string
  /** The version that a key would belong to, or null. */
  versionOf(redis_key: string): string | null
  /** Pattern for SCAN. */
  pattern: string
}

export function loadKeys({ prefix, version }: { prefix: string; version: string }): LoadKeys {
  return {
    current: `${prefix}current`,
    versions: `${prefix}versions`,
    lock: `${prefix}loading`,
    neighbour: `${prefix}${version}:current`,
    staged: (key) => `${prefix}${version}:${key}`,
    served: (key) => `${prefix}${key}`,
    versionOf(redis_key) {
      if (!redis_key.startsWith(prefix)) return null
      const [name, family] = redis_key.slice(prefix.length).split(':', 2)
      return isVersion(name) && VERSIONED.includes(family) ? name : null
    },
    pattern: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*:*`,
  }
}

export function isVersion(name: string): boolean {
  return VERSION.test(name) && !RESERVED.includes(name)
}
