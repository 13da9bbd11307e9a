/** One server process of the comparison: started on a free port, ended with everything it started itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const ROOT = join(import.meta.dirname, '..', '..')
const READY_MS_MAX = 120_000
const STOP_MS_MAX = 10_000

export type Command = {
  command: string
  args: string[]
  environment?: Record<string, string>
  /** Answers 200 when the process can serve. */
  ready_path: string
}

export type Running = { url: string; pid: number; stop(): Promise<void> }

export async function startProcess(
  { command, args, environment, ready_path }: Command,
  port: number,
): Promise<Running> {
  // A group of its own, because uvicorn's workers outlive a parent that is killed.
  const env = { PATH: process.env.PATH, ...environment }
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  const kill = () => signalGroup(child.pid, 'SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit').finally(() => process.off('exit', kill))
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(kill, STOP_MS_MAX)
    await exited
    clearTimeout(timer)
    kill()
  }
  const url = `http://127.0.0.1:${port}`
  const deadline_ms = Date.now() + READY_MS_MAX
  while (!(await isReady(url + ready_path))) {
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(' ')}: ended with code ${child.exitCode}`)
    if (Date.now() > deadline_ms) {
      await stop()
      throw new Error(`${command} ${args.join(' ')}: not ready after ${READY_MS_MAX} ms`)
    }
    await sleep(100)
  }
  return { url, pid: child.pid!, stop }
}

const isReady = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

/** The group may be gone already. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {}
}
