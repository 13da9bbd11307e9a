/** Runs the load generator (load.ts) as a process of its own, on the last core where taskset can pin it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { killWithUs } from '../../test/lib/after_us.ts'
import type { Arrivals } from './generator.ts'
import type { Summary } from './summary.ts'
import type { Format } from './workload.ts'

/** What every generator needs to know. */
export type Traffic = {
  url: string
  bundle: string
  format: Format
  candidates: number
  seconds: number
  /** Closed loop with so many connections, or open loop with so many requests per second. */
  connections?: number
  rate?: number
}

export type Load = Traffic & {
  arrivals?: Arrivals
  requests?: number
  /** Lists of candidates. */
  bodies?: number
  seed?: number
}

export const PINNED = spawnSync('taskset', ['-c', '0', 'true']).status === 0

export const measure = (load: Load): Promise<Summary> =>
  runGenerator(join(import.meta.dirname, 'load.ts'), { ...load, json: true })

/** What a generator prints on stdout. `true` is an option without a value. */
export async function runGenerator<T>(entry: string, load: Record<string, string | number | true>): Promise<T> {
  const options = Object.entries(load).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, `${value}`],
  )
  const command = [process.execPath, entry, ...options]
  if (PINNED) command.unshift('taskset', '-c', `${availableParallelism() - 1}`)
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  killWithUs(child)
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`load generator: exit code ${code}: ${output}`)
  return JSON.parse(output)
}
