/** CPU time of a process, thread by thread (Linux). */
import { readdirSync, readFileSync } from 'node:fs'

/** Thread name → milliseconds on a core since it started; threads of one name are added up. */
export type CpuTimes = Record<string, number>

export function cpuTimes(pid: number): CpuTimes {
  const times: CpuTimes = {}
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`
    const name = thread === `${pid}` ? 'main' : nameOf(folder)
    times[name] = (times[name] ?? 0) + Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6
  }
  return times
}

/** What the threads did between two readings. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuTimes {
  return Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]))
}

function nameOf(folder: string): string {
  const name = readFileSync(`${folder}/comm`, 'utf8').trim()
  return name.replace(/[-_ ]?\d+$/, '')
}
