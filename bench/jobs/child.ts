/** A command of the CLI as a process of its own, with the most memory it ever had resident. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts')
const POLL_MS = 100

export type Measured = { seconds: number; peak_rss_bytes: number; summary: unknown }

/** Runs `prerank …` with --json. The kernel keeps the peak (VmHWM), so polling misses nothing but the last moment. */
export async function measureCli(args: string[]): Promise<Measured> {
  const started = performance.now()
  const child = spawn(process.execPath, [CLI, ...args, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let peak_rss_bytes = 0
  const timer = setInterval(() => {
    peak_rss_bytes = Math.max(peak_rss_bytes, peakOf(child.pid))
  }, POLL_MS)
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  clearInterval(timer)
  if (code !== 0) throw new Error(`prerank ${args.join(' ')}: exit code ${code}`)
  return { seconds: (performance.now() - started) / 1000, peak_rss_bytes, summary: JSON.parse(output) }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
