/**
 * The pictures of bench/results: for every <name>.json there, what `plots` of bench/<name>/plots.ts draws of it, each as
 * <name>-<plot>.svg beside it. Numbers are never typed by hand.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const BENCH = join(import.meta.dirname, '..')
const RESULTS = join(BENCH, 'results')

/** SVG by the name of the plot. */
export type Plots<Report> = (report: Report) => Record<string, string>

/** Returns the files written. */
export async function run({ json }: { json: boolean }): Promise<string[]> {
  const names = (existsSync(RESULTS) ? readdirSync(RESULTS) : [])
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort()
  const written: string[] = []
  for (const name of names) written.push(...(await draw(name)))
  if (!json) console.log(written.length ? written.join('\n') : `no reports in ${RESULTS}: run a benchmark with --save`)
  return written
}

async function draw(name: string): Promise<string[]> {
  const module = join(BENCH, name, 'plots.ts')
  if (!existsSync(module)) return []
  const { plots }: { plots: Plots<unknown> } = await import(module)
  const drawn = plots(JSON.parse(readFileSync(join(RESULTS, `${name}.json`), 'utf8')))
  return Object.entries(drawn).map(([plot, svg]) => {
    const path = join(RESULTS, `${name}-${plot}.svg`)
    writeFileSync(path, svg)
    return path
  })
}
