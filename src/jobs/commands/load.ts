import { Command, Option } from 'commander'
import { readManifest } from '../../bundle/read_manifest.ts'
import { snapshotFiles } from '../../store/snapshot_files.ts'
import type { LoadResult } from '../load/load.ts'
import { formatBytes, formatCount } from '../run/format.ts'
import { JobError } from '../run/job.ts'
import { parseCount } from '../run/parse.ts'
import type { RunJob } from '../run/runner.ts'
import { type RedisOptions, targetOf, withBundle, withJson, withRedis } from './options.ts'

const DETAILS = `
Writes the bundle's snapshots (features/*.snapshot) beside what is served, under a new version, then flips the version
pointer at once. Servers follow within a second; the old version is removed --grace-ms later. Sequences keep engagements
that arrived since. Nothing that is served changes before the flip, so an interrupted load is simply started again.
Every record is checked before it is written: counts by checksum and the columns of the bundle's manifest, sequences by length.
A version is whole: load all counts and query embeddings together. The name of the one that is served is refused for other content.

Prefixes are independent of each other, also where one begins like another (pr: and pr:eu:), as long as no version is called
like the rest (eu).

The address comes from --redis or REDIS_URL, the same variable that the server reads.

Example:
  REDIS_URL=redis://localhost:6379 prerank load --bundle models/demo --verify`

/** Servers re-read the pointer every second; requests that began before still finish. */
const GRACE_MS = 5000

type LoadCommandOptions = RedisOptions & {
  bundle: string
  snapshot?: string[]
  name?: string
  verify?: boolean
  graceMs: number
  json?: boolean
}

export function loadCommand(run: RunJob): Command {
  const command = withBundle(new Command('load'))
    .description('snapshots → Redis, then flip')
    .option('-s, --snapshot <files...>', 'snapshot files (default: features/*.snapshot of the bundle)')
    .option('--name <version>', 'version of the keys (default: from the content of the snapshots)')
    .option('--verify', 'read a sample back and compare it before the flip')
    .addOption(
      new Option('--grace-ms <ms>', 'how long the old version stays after the flip')
        .argParser(parseCount)
        .default(GRACE_MS),
    )
    .addHelpText('after', DETAILS)
    .action((options: LoadCommandOptions) =>
      run(options, async (job) => {
        const [{ loadSnapshots }, { LOCK_WAIT_MS }] = await Promise.all([
          import('../load/load.ts'),
          import('../load/lock.ts'),
        ])
        const target = targetOf(options)
        if (!target) throw new JobError('no Redis: give --redis redis://host:port or set REDIS_URL')
        const files = options.snapshot ?? snapshotFiles(options.bundle)
        if (files.length === 0) {
          throw new JobError(
            `${options.bundle}: no features/*.snapshot; run "prerank counts build" and "prerank sequences build" first`,
          )
        }
        const result = await loadSnapshots({
          target,
          manifest: await readManifest(options.bundle),
          files,
          version: options.name,
          verify: options.verify ?? false,
          grace_ms: options.graceMs,
          lock_wait_ms: LOCK_WAIT_MS,
          job,
        })
        return { summary: result, text: describeLoad(result) }
      }),
    )
  return withJson(withRedis(command))
}

function describeLoad(result: LoadResult): string {
  const verified = result.verified > 0 ? `, ${formatCount(result.verified)} compared` : ''
  const flip =
    result.values === 0
      ? 'sequences only, the served version stays'
      : `serving version ${result.version}${result.previous ? ` (before: ${result.previous})` : ''}`
  const removed = result.removed > 0 ? `; ${formatCount(result.removed)} old keys removed` : ''
  return `${formatCount(result.values)} values and ${formatCount(result.sequences)} sequences, ${formatBytes(result.bytes)}${verified}
${flip}${removed}`
}
