/**
 * `npm run bench -- <name> …` runs bench/<name>/<name>.ts, whose `run` measures, prints as it goes unless `json` is set,
 * and returns the report that `--json` prints and `--save` keeps in bench/results/<name>.json.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** `all` leaves out what measures nothing of its own, and the peers, which need Python. */
const NOT_IN_ALL = ['check', 'plot', 'peers']
const RESULTS = join(import.meta.dirname, 'results')

const fileOf = (name: string) => join(import.meta.dirname, name, `${name}.ts`)
const names = readdirSync(import.meta.dirname).filter((name) => existsSync(fileOf(name)))
const flag = { type: 'boolean', default: false } as const
const text = { type: 'string' } as const
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: flag, full: flag, json: flag, save: flag, update: flag, paper: text, python: text },
})
const [name] = positionals
if (positionals.length !== 1 || !['all', ...names].includes(name)) {
  console.error(
    `usage: npm run bench -- <all | ${names.join(' | ')}> [--quick | --full] [--json] [--save] [--paper DIR]`,
  )
  process.exit(2)
}

const reports: Record<string, unknown> = {}
for (const one of name === 'all' ? names.filter((other) => !NOT_IN_ALL.includes(other)) : [name]) {
  if (name === 'all' && !values.json) console.log(`\n==> ${one}`)
  const { run } = await import(fileOf(one))
  reports[one] = await run(values)
  if (values.save) {
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(join(RESULTS, `${one}.json`), `${JSON.stringify(reports[one], null, 2)}\n`)
  }
}
if (values.json) console.log(JSON.stringify(name === 'all' ? reports : reports[name], null, 2))
