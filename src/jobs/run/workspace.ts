/**
 * A job's work directory, `<output>.work`: everything unfinished lives there, so that a killed job leaves its output as
 * it was and at most one directory, which the next run takes over. `pid` in it keeps two runs from writing one output.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { JobError } from './job.ts'

export type Workspace = {
  directory: string
  path(name: string): string
  /** Path of a directory in it, made where it is not there. */
  makeDirectory(name: string): Promise<string>
  /** Moves a finished file of the work directory to its final place, durably. */
  publish(name: string, output: string): Promise<void>
  remove(): Promise<void>
  /** Leaves the files for a later run and lets go of the lock. */
  release(): Promise<void>
}

/** `keep` leaves what an interrupted run has finished; otherwise the directory starts empty. */
export async function openWorkspace(output: string, { keep = false } = {}): Promise<Workspace> {
  const directory = `${output}.work`
  await refuseRunning(directory)
  if (!keep) await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await writeDurably(join(directory, 'pid'), `${process.pid}\n`)
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
    remove: () => rm(directory, { recursive: true, force: true }),
    release: () => rm(join(directory, 'pid'), { force: true }),
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

async function refuseRunning(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'pid'), 'utf8').catch(() => '')
  const pid = Number(text)
  if (text === '' || pid === process.pid || !isRunning(pid)) return
  throw new JobError(`${directory}: process ${pid} is building this output; wait for it, or stop it first`)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
