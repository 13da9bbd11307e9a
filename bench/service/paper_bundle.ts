/** A bundle with the paper's towers and random weights: made by the training code, or given by --paper. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const PYTHONS = [join(ROOT, '.venv', 'bin', 'python'), join(ROOT, 'models', '.venv', 'bin', 'python'), 'python3']

export type Paper = { folder: string; given: string | undefined; python: string | undefined }

/** Its directory, or why there is none. */
export function paperBundle({ folder, given, python }: Paper): { bundle: string } | { missing: string } {
  if (given !== undefined) return { bundle: given }
  const found = (python === undefined ? PYTHONS : [python]).find(canTrain)
  if (found === undefined) {
    const looked = (python === undefined ? PYTHONS : [python]).join(', ')
    return { missing: `no Python with torch (looked at ${looked}): give --paper DIR or --python PATH` }
  }
  const bundle = join(folder, 'bundle')
  command(found, ['-m', 'interactrank', 'untrained', '--preset', 'paper', '--out', folder], join(ROOT, 'models'))
  const [items, events] = [join(folder, 'items_with_scalars.parquet'), join(folder, 'world', 'events.parquet')]
  const sources = ['--items', items, '--events', events]
  command(process.execPath, ['src/cli.ts', 'build', '--bundle', bundle, ...sources, '--as-of', 'bundle'], ROOT)
  return { bundle }
}

function canTrain(python: string): boolean {
  if (python.includes('/') && !existsSync(python)) return false
  return spawnSync(python, ['-c', 'import torch, onnx'], { stdio: 'ignore' }).status === 0
}

function command(path: string, args: string[], cwd: string): void {
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  const { status, stderr } = spawnSync(path, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(`${path} ${args.join(' ')}: exit code ${status}: ${stderr.toString().slice(-2000)}`)
}
