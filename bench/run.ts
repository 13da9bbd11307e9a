/**
 * `npm run bench -- <name> [--quick] [--json]` runs bench/<name>/<name>.ts, whose `run` measures, prints as it goes unless
 * `json` is set, and returns the report that `--json` prints.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const fileOf = (name: string) => join(import.meta.dirname, name, `${name}.ts`)
const names = readdirSync(import.meta.dirname).filter((name) => existsSync(fileOf(name)))
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const [name] = positionals
if (positionals.length !== 1 || !names.includes(name)) {
  console.error(`usage: npm run bench -- <${names.join(' | ')}> [--quick] [--json]`)
  process.exit(2)
}
const { run } = await import(fileOf(name))
const report = await run(values)
if (values.json) console.log(JSON.stringify(report, null, 2))
