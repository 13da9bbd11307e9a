/** `--as-of <time>`, or `--as-of bundle`: the time of the counts that the bundle was trained and evaluated with. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Option } from 'commander'
import type { Manifest } from '../../bundle/manifest.ts'
import { parseCountBlob } from '../../features/counts.ts'
import { JobError } from '../run/job.ts'
import { parseTime } from '../run/parse.ts'

export type AsOf = number | 'bundle'

export function asOfOption(): Option {
  return new Option(
    '--as-of <time>',
    'what happened before this time (ISO, or Unix ms; "bundle": as in its golden requests; default: counts up to the midnight UTC before the newest event, sequences up to that event)',
  ).argParser((text): AsOf => (text === 'bundle' ? 'bundle' : parseTime(text)))
}

export async function resolveAsOf(
  as_of: AsOf | undefined,
  { directory, manifest }: { directory: string; manifest: Manifest },
): Promise<number | undefined> {
  if (as_of !== 'bundle') return as_of
  const path = join(directory, manifest.golden.file)
  const { requests } = JSON.parse(await readFile(path, 'utf8')) as { requests: { blobs: Record<string, string> }[] }
  const columns = manifest.counts.columns.map(({ name }) => name)
  for (const { blobs } of requests) {
    const key = Object.keys(blobs).find((name) => name.startsWith('iqp:'))
    if (key !== undefined) return parseCountBlob(Buffer.from(blobs[key], 'base64'), columns).as_of_ms
  }
  throw new JobError(`${path}: no request has a count blob that would tell the time; give it with --as-of`)
}
