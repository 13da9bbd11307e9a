/** Memory of a process, from /proc; nothing of it where there is no such thing. */
import { readFileSync } from 'node:fs'

export type Memory = { rss_mib: number; anonymous_mib: number; tables_mapped: number }

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
  return {
    rss_mib: mib('VmRSS'),
    anonymous_mib: mib('RssAnon'),
    tables_mapped: maps.match(/items\.table/g)?.length ?? 0,
  }
}
