/** An open bundle: every part read, checked against the others, and ready to score with. */
import { join } from 'node:path'
import { ItemTable } from '../items/item_table.ts'
import type { Formula } from '../kernel/kernel.ts'
import { TowerPool, type TowerPoolOptions } from '../tower/pool.ts'
import { compileQueryInputs, type QueryInputs } from '../tower/query_inputs.ts'
import { compileFormula } from './formula.ts'
import type { Manifest, Precision } from './manifest.ts'
import { FULL_SPEED, type Pace } from './pace.ts'
import { absentTable, hashProblems, tableProblems } from './part_checks.ts'
import { refuseProblems } from './problems.ts'
import { readManifest } from './read_manifest.ts'

export type BundleOptions = {
  tower: Omit<TowerPoolOptions, 'model' | 'model_sha256' | 'inputs' | 'output'>
  /** Instead of the manifest's. */
  precision?: Precision
  /** FULL_SPEED unless given. */
  pace?: Pace
}

export type Bundle = {
  directory: string
  manifest: Manifest
  precision: Precision
  table: ItemTable
  formula: Formula
  tower: TowerPool
  queryInputs: QueryInputs
  close(): Promise<void>
}

/** Rejects with everything that does not belong together; nothing stays open then. The tower is warm when it resolves. */
export async function openBundle(directory: string, options: BundleOptions): Promise<Bundle> {
  const { pace = FULL_SPEED } = options
  const manifest = await readManifest(directory)
  refuseProblems(directory, await hashProblems(directory, { manifest, pace }))
  refuseProblems(directory, absentTable(directory))
  const table = await ItemTable.load(join(directory, 'items.table'), pace)
  try {
    refuseProblems(directory, tableProblems(table, manifest))
    const precision = options.precision ?? manifest.query_tower.precision
    // Where scales come from the whole batch, answers would depend on who else is in it.
    const shares_scales = precision === 'int8' && manifest.query_tower.int8_scales !== 'row'
    const batch_max = shares_scales ? 1 : options.tower.batch_max
    const model = towerModel(directory, manifest, precision)
    await pace.rest()
    const tower = await TowerPool.start({ ...options.tower, ...model, batch_max, warm_up_share: pace.share })
    return {
      directory,
      manifest,
      precision,
      table,
      formula: compileFormula(manifest),
      tower,
      queryInputs: compileQueryInputs(manifest, table),
      async close() {
        await tower.close()
        table.close()
      },
    }
  } catch (error) {
    table.close()
    throw error
  }
}

function towerModel(directory: string, { files, query_tower, heads, dims }: Manifest, precision: Precision) {
  const file = query_tower.files[precision]
  if (!file)
    throw new Error(`${directory}: there is no ${precision} query tower; it has ${Object.keys(query_tower.files)}`)
  return {
    model: join(directory, file),
    model_sha256: files[file],
    inputs: query_tower.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    output: { name: query_tower.output, dtype: 'float32' as const, shape: [heads.length, dims] },
  }
}
