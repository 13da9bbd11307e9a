/** The Python of the peers: a virtual environment beside them, made once and again when its requirements change. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '.venv')
const REQUIREMENTS = join(import.meta.dirname, 'python', 'requirements.txt')

/** Path of an interpreter that has what python/requirements.txt names. */
export function preparePython(): string {
  const python = join(FOLDER, 'bin', 'python')
  if (!existsSync(python)) run('python3', ['-m', 'venv', FOLDER])
  const stamp = join(FOLDER, 'installed')
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.error(`installing ${REQUIREMENTS} into ${FOLDER}`)
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS])
    writeFileSync(stamp, wanted)
  }
  return python
}

/** What it prints goes to standard error, as standard output may be JSON. */
export function run(command: string, args: string[], environment: Record<string, string> = {}): void {
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`)
}
