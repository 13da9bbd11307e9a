import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import type { Plots } from '../../bench/plot/plot.ts'

const bench = join(import.meta.dirname, '..', '..', 'bench')

test('the pictures beside the reports are those that the reports give', async () => {
  for (const path of globSync(join(bench, 'results', '*.json'))) {
    const name = basename(path, '.json')
    const module = join(bench, name, 'plots.ts')
    if (!existsSync(module)) continue
    const { plots }: { plots: Plots<unknown> } = await import(module)
    for (const [plot, svg] of Object.entries(plots(JSON.parse(readFileSync(path, 'utf8'))))) {
      assert.equal(
        readFileSync(join(bench, 'results', `${name}-${plot}.svg`), 'utf8'),
        svg,
        `${name}-${plot}: bench -- plot`,
      )
    }
  }
})
