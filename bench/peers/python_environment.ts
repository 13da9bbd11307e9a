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
    install(python)
    writeFileSync(stamp, wanted)
  }
  return python
}

/** The CPU build of torch is ten times smaller; not every package index has it. What is installed then satisfies the list. */
function install(python: string): void {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  const torch = /^torch==\S+$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))?.[0]
  if (!torch) throw new Error(`${REQUIREMENTS}: found no line torch==…`)
  const { status } = spawnSync(python, [...pip, `${torch}+cpu`], { stdio: 'ignore' })
  if (status !== 0) console.error(`no ${torch}+cpu on this package index: the plain one`)
  run(python, [...pip, '-r', REQUIREMENTS])
}

/** What it prints goes to standard error, as standard output may be JSON. */
export function run(command: string, args: string[], environment: Record<string, string> = {}): void {
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`)
}
