/**
 * What has to happen when this process ends, however it ends. Exit handlers are not enough (SIGKILL runs none, SIGTERM
 * by default neither), so a shell waits beside us on a pipe of ours: when the pipe closes, it acts.
 */
import { type ChildProcess, spawn } from 'node:child_process'

/** Returns what makes it happen at once. */
export function afterUs(command: string): () => void {
  const shell = spawn('sh', ['-c', `read _; ${command}`], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  const pipe = shell.stdin as unknown as { unref(): void; destroy(): void }
  pipe.unref()
  return () => pipe.destroy()
}

/** `command` runs when this process ends, or the child does. */
export function killWithUs(child: ChildProcess, command = `kill -9 ${child.pid}`): void {
  child.once('exit', afterUs(command))
}
