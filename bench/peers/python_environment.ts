/** The Python of the peers: a virtual environment beside them, made once and again when a requirements file changes. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '.venv')
const SOURCES = join(import.meta.dirname, 'python')

/** Path of an interpreter that has what the file names; `requirements` is its name in bench/peers/python. */
export function pythonWith(requirements: string): string {
  const python = join(FOLDER, 'bin', 'python')
  if (!existsSync(python)) run('python3', ['-m', 'venv', FOLDER])
  const file = join(SOURCES, requirements)
  const stamp = join(FOLDER, `${requirements}.installed`)
  const wanted = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.error(`installing ${requirements} into ${FOLDER}`)
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', file])
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
