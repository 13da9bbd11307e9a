/** Option values of the command line: each parser says what it expected. */
import { InvalidArgumentError } from 'commander'
import { EARLIEST_MS, LATEST_MS } from '../events/bounds.ts'

const UNITS: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** `4GiB`, `512m`, `2g`. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?$/i.exec(text.trim())
  if (!match) throw new InvalidArgumentError('Expected a size such as 4GiB or 512MiB.')
  return Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()])
}

const EXPECTED_TIME =
  'Expected Unix milliseconds between 1980 and 2100, or a time such as 2026-03-01 or 2026-03-01T00:00:00Z.'

/** Unix milliseconds, or an ISO date or time (UTC where it names no zone). Seconds would be a day of January 1970. */
export function parseTime(text: string): number {
  const time = /^\d{9,15}$/.test(text) ? Number(text) : parseIso(text)
  if (!(time >= EARLIEST_MS && time < LATEST_MS)) throw new InvalidArgumentError(EXPECTED_TIME)
  return time
}

function parseIso(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  // Date.parse takes 30 February for 2 March.
  if (!match || !isDay(match[1])) return Number.NaN
  const iso = text.replace(' ', 'T')
  return Date.parse(match[2] && !match[5] ? `${iso}Z` : iso)
}

function isDay(day: string): boolean {
  const time = Date.parse(day)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

/** `0.01` or `1%`. */
export function parseShare(text: string): number {
  const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
  if (text.trim() === '' || !(share >= 0 && share <= 1))
    throw new InvalidArgumentError('Expected a share such as 0.01 or 1%.')
  return share
}

export function parseCount(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

export function parsePositive(text: string): number {
  const count = parseCount(text)
  if (count === 0) throw new InvalidArgumentError('Expected 1 or more.')
  return count
}
