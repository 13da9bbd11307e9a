/** What this process holds, from /proc. */
import { readFileSync } from 'node:fs'

/** Item tables under a directory that are mapped, one line each. */
export function mappedTables(directory: string): string[] {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return maps.split('\n').filter((line) => line.includes(directory) && line.includes('items.table'))
}

export function rssMib(): number {
  return process.memoryUsage.rss() / 2 ** 20
}
