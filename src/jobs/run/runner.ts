/**
 * Runs one verb: signals stop it, errors become one line and an exit code, and its outcome goes to stdout as text or,
 * with --json, as one object. Progress and errors go to stderr, so that stdout can be piped.
 */

import type { Job } from './job.ts'
import { JobError } from './job.ts'
import { createProgress } from './progress.ts'

/** `summary` is what --json prints; `text` what people read. `failed` ends with exit code 1. */
export type Outcome = { summary: object; text: string; failed?: boolean }
export type RunJob = (options: { json?: boolean }, work: (job: Job) => Promise<Outcome>) => Promise<void>

const SIGNAL_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** Errors of these names carry a message for people; anything else is a defect and shows its stack. */
const EXPECTED = [
  'JobError',
  'ItemTableError',
  'BundleError',
  'StoreError',
  'SnapshotError',
  'ConfigError',
  'InputError',
]

export function createRunner(process: NodeJS.Process): RunJob {
  return async ({ json = false }, work) => {
    const progress = createProgress(process.stderr)
    const controller = new AbortController()
    const onSignal = (signal: NodeJS.Signals) => {
      // A second Ctrl-C does not wait for the work to come to a stop.
      if (controller.signal.aborted) process.exit(SIGNAL_CODES[signal])
      process.exitCode = SIGNAL_CODES[signal]
      controller.abort(new JobError(`stopped by ${signal}`))
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
    try {
      const outcome = await work({ signal: controller.signal, progress })
      process.stdout.write(json ? `${JSON.stringify(outcome.summary, bigintAsNumber)}\n` : `${outcome.text}\n`)
      if (outcome.failed) process.exitCode = 1
    } catch (error) {
      progress.clear()
      // A wait that a signal cut short fails with an AbortError, which does not say so.
      const reason = controller.signal.aborted ? controller.signal.reason : error
      process.stderr.write(`prerank: ${describe(reason)}\n`)
      process.exitCode ||= 1
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal)
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { path, syscall } = error as NodeJS.ErrnoException
  if (path !== undefined) return `${path}: ${error.message.replace(/^[A-Z]+: /, '').replace(/, .*$/s, '')}`
  return EXPECTED.includes(error.name) || syscall !== undefined ? error.message : (error.stack ?? error.message)
}

function bigintAsNumber(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
