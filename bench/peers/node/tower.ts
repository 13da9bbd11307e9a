/** The query tower on the main thread. H heads, D dims. */
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Manifest } from '../../../src/bundle/manifest.ts'
import type { Sequence } from '../../../src/features/sequence.ts'
import type { ItemTable } from '../../../src/items/item_table.ts'
import type { PrerankRequest } from '../../../src/prerank/request.ts'
import { compileQueryInputs } from '../../../src/tower/query_inputs.ts'
import { EXACT_INT8 } from '../../../src/tower/session.ts'

/** The head vectors [H, D]. */
export type Tower = (request: PrerankRequest, sequence: Sequence) => Promise<Float32Array>

export const openSession = (path: string) =>
  InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1, extra: EXACT_INT8 })

export async function openTower(bundle: string, manifest: Manifest, table: ItemTable): Promise<Tower> {
  const { files, precision, inputs, output } = manifest.query_tower
  if (inputs.some(({ source }) => source.kind === 'top_items')) {
    throw new Error(`${bundle}: a tower input has the source top_items, which hashes of counts cannot serve`)
  }
  const session = await openSession(join(bundle, files[precision] ?? files.float32))
  const fill = compileQueryInputs(manifest, table)
  return async (request, sequence) => {
    const stored = { sequence, blobs: [], embedding: null, lost: [], problems: [] }
    const feed = fill({ request, stored, now_ms: Date.now() })
    const tensors = inputs.map(({ name, dtype, shape }, index) => [name, new Tensor(dtype, feed[index], [1, ...shape])])
    const answer = await session.run(Object.fromEntries(tensors), [output])
    return answer[output].data as Float32Array
  }
}
