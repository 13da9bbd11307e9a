/**
 * A job's work directory, `<output>.work`: everything unfinished lives there, so that a killed job leaves its output as
 * it was and at most one directory, which the next run takes over. `<output>.work.pid` keeps two runs from one output.
 */
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { JobError } from './job.ts'

export type Workspace = {
  directory: string
  path(name: string): string
  /** Path of a directory in it, made where it is not there. */
  makeDirectory(name: string): Promise<string>
  /** Moves a finished file of the work directory to its final place, durably. */
  publish(name: string, output: string): Promise<void>
  /** Ends the run. `keep` leaves the directory for a later one. */
  close(options?: { keep: boolean }): Promise<void>
}

/** `keep` takes over what an interrupted run has finished; otherwise the directory starts empty. */
export async function openWorkspace(output: string, { keep = false } = {}): Promise<Workspace> {
  const directory = `${output}.work`
  const lock = `${directory}.pid`
  await mkdir(dirname(output), { recursive: true })
  await takeLock(lock, directory)
  await removeLeftLocks(lock)
  if (!keep) await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  return {
    directory,
    path: (name) => join(directory, name),
    async makeDirectory(name) {
      await mkdir(join(directory, name), { recursive: true })
      return join(directory, name)
    },
    async publish(name, target) {
      await syncPath(join(directory, name))
      await rename(join(directory, name), target)
      await syncPath(dirname(target))
    },
    async close({ keep } = { keep: false }) {
      if (!keep) await rm(directory, { recursive: true, force: true })
      await rm(lock, { force: true })
    },
  }
}

export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The file appears with its content, or not at all: a link either is made or finds one there. */
async function takeLock(lock: string, directory: string): Promise<void> {
  const mine = `${lock}.${process.pid}`
  await writeDurably(mine, `${process.pid}\n`)
  try {
    for (;;) {
      if (await linked(mine, lock)) return
      const pid = Number(await readFile(lock, 'utf8').catch(() => ''))
      if (pid !== process.pid && pid > 0 && isRunning(pid)) {
        throw new JobError(`${directory}: process ${pid} is building this output; wait for it, or remove ${lock}`)
      }
      await rm(lock, { force: true })
    }
  } finally {
    await rm(mine, { force: true })
  }
}

/** Of runs that were killed while they took the lock. */
async function removeLeftLocks(lock: string): Promise<void> {
  const folder = dirname(lock)
  const start = `${basename(lock)}.`
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(start) ? Number(name.slice(start.length)) : 0
    if (pid > 0 && !isRunning(pid)) await rm(join(folder, name), { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
