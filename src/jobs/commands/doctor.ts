import { Command } from 'commander'
import { readConfig } from '../../config.ts'
import type { Diagnosis } from '../doctor/doctor.ts'
import { formatBytes, formatCount, formatTable } from '../run/format.ts'
import type { RunJob } from '../run/runner.ts'
import { type RedisOptions, targetOf, withJson, withRedis } from './options.ts'

const DETAILS = `
Reads the environment as the server does, opens the bundle, replays its golden requests, looks into the store, and times
the pipeline on this machine. Ends with exit code 1 when the service would not serve.

Example:
  REDIS_URL=redis://localhost:6379 prerank doctor --bundle models/demo`

type DoctorCommandOptions = RedisOptions & { bundle?: string; json?: boolean }

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' }

export function doctorCommand(run: RunJob): Command {
  const command = new Command('doctor')
    .description('config, bundle, store, memory, latency: what is wrong, and what it costs')
    .option('-b, --bundle <dir>', 'bundle directory (default: BUNDLE_DIR, or models/demo)')
    .addHelpText('after', DETAILS)
    .action((options: DoctorCommandOptions) =>
      run(options, async () => {
        const { diagnose } = await import('../doctor/doctor.ts')
        const config = readConfig()
        const directory = options.bundle ?? config.bundle_dir
        const diagnosis = await diagnose({ config, directory, redis: targetOf(options), now_ms: Date.now() })
        const failed = diagnosis.checks.some((check) => check.status === 'fail')
        return { summary: diagnosis, text: describeDiagnosis(diagnosis), failed }
      }),
    )
  return withJson(withRedis(command))
}

function describeDiagnosis({ checks, memory, latency }: Diagnosis): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.map(({ name, status, detail, fix }) => {
    const line = `${MARKS[status]} ${name.padEnd(width)}  ${detail}`
    return fix === undefined ? line : `${line}\n${' '.repeat(width + 7)}→ ${fix}`
  })
  const parts = [lines.join('\n')]
  if (memory.length > 0) parts.push(`memory\n${formatTable([['', ''], ...memoryRows(memory)]).trimStart()}`)
  if (latency.length > 0) {
    const rows = latency.map(({ candidates, p50_ms, tower_ms, kernel_ms }) => [
      formatCount(candidates),
      ...[p50_ms, tower_ms, kernel_ms].map((ms) => ms.toFixed(2)),
    ])
    parts.push(
      `latency in this process, without the wire\n${formatTable([['candidates', 'p50 ms', 'tower ms', 'kernel ms'], ...rows])}`,
    )
  }
  return parts.join('\n\n')
}

function memoryRows(memory: Diagnosis['memory']): string[][] {
  const total = memory.reduce((sum, { bytes }) => sum + bytes, 0)
  return [...memory, { what: 'forecast', bytes: total }].map(({ what, bytes }) => [what, formatBytes(bytes)])
}
