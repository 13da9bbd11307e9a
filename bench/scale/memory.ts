/** What processes occupy, from /proc: RSS counts a shared page in every process, PSS shares it out. */
import { readFileSync } from 'node:fs'

export type Memory = {
  rss_bytes: number
  pss_bytes: number
  private_bytes: number
  table_rss_bytes: number
  table_pss_bytes: number
}

export function memoryOf(pid: number): Memory {
  const all = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const table = readFileSync(`/proc/${pid}/smaps`, 'utf8')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) => mapping.split('\n', 1)[0].endsWith('items.table'))
  const inTable = (name: string) => table.reduce((sum, mapping) => sum + bytesOf(mapping, name), 0)
  return {
    rss_bytes: bytesOf(all, 'Rss'),
    pss_bytes: bytesOf(all, 'Pss'),
    private_bytes: bytesOf(all, 'Private_Clean') + bytesOf(all, 'Private_Dirty'),
    table_rss_bytes: inTable('Rss'),
    table_pss_bytes: inTable('Pss'),
  }
}

function bytesOf(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)
  if (!found) throw new Error(`smaps: found no line ${name}`)
  return 1024 * Number(found[1])
}
