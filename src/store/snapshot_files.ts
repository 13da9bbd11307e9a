/** Where a bundle keeps its snapshots. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Sorted paths; none where there is no such folder. Listed, because a glob would read the bundle's own path as a pattern. */
export function snapshotFiles(bundle_directory: string): string[] {
  const folder = join(bundle_directory, 'features')
  return listed(folder)
    .filter((name) => name.endsWith('.snapshot'))
    .sort()
    .map((name) => join(folder, name))
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
