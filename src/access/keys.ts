/**
 * API keys: who may call what. Only hashes are kept, in a file of lines `name:scope,scope:sha256`.
 *
 * A key is 256 random bits, so nobody finds it by trying and one SHA-256 is enough. Rejected: a slow hash (scrypt, Argon2),
 * which protects what people make up and remember; here it would cost every request milliseconds for nothing.
 *
 * Several keys may have one name: the old and the new one while they are rotated. They are one caller.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export const SCOPES = ['prerank', 'engagements', 'metrics', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

export type Caller = { name: string; scopes: readonly Scope[] }
export type KeyEntry = Caller & { hash: Buffer }

const KEY_BYTES = 32
/** Lets people and secret scanners see what it is. */
const KEY_PREFIX = 'pr_'
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const HASH = /^[0-9a-f]{64}$/
const KEYS_MAX = 1000

/** What a line should be, for errors; they never repeat the line, which may be a key pasted by mistake. */
const EXPECTED_LINE = `name:scope,scope:sha256 with a name of letters, digits, ".", "_", "-", scopes out of ${SCOPES.join(', ')}, and 64 hex digits`

export class KeyFileError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'KeyFileError'
  }
}

/** Empty lines and lines that start with # are comments. A file without a key is refused, since it would lock all out. */
export function parseKeys(text: string, path: string): KeyEntry[] {
  const entries = text.split('\n').flatMap((line, index) => {
    const content = line.trim()
    return content === '' || content.startsWith('#') ? [] : [parseLine(content, `${path}:${index + 1}`)]
  })
  if (entries.length === 0) throw new KeyFileError(path, `found no key, expected lines of ${EXPECTED_LINE}`)
  if (entries.length > KEYS_MAX)
    throw new KeyFileError(path, `found ${entries.length} keys, expected at most ${KEYS_MAX}`)
  return entries
}

function parseLine(line: string, place: string): KeyEntry {
  const [name, scopes, hash, ...rest] = line.split(':')
  const parsed = parseScopes(scopes ?? '')
  if (!NAME.test(name) || parsed === null || !HASH.test(hash ?? '') || rest.length > 0)
    throw new KeyFileError(place, `found something else, expected ${EXPECTED_LINE}`)
  return { name, scopes: parsed, hash: Buffer.from(hash, 'hex') }
}

/** Null where one of them does not exist. */
export function parseScopes(text: string): Scope[] | null {
  const scopes = text.split(',').map((scope) => SCOPES.find((known) => known === scope))
  return scopes.every((scope) => scope !== undefined) ? scopes : null
}

const hashOf = (key: string) => createHash('sha256').update(key).digest()

/** Whose key it is, or null. Every entry is compared, each in the same time, so the time tells nothing. */
export function callerOf(entries: readonly KeyEntry[], key: string): Caller | null {
  const hash = hashOf(key)
  let found: KeyEntry | null = null
  for (const entry of entries) if (timingSafeEqual(entry.hash, hash)) found = entry
  return found
}

export const isKeyName = (name: string) => NAME.test(name)

export type NewKey = { key: string; line: string }

/** The key, for the caller, and its line, for the file of the service. */
export function createKey({ name, scopes }: Caller): NewKey {
  const key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url')
  return { key, line: `${name}:${scopes.join(',')}:${hashOf(key).toString('hex')}` }
}
