/** The towers of a bundle, in every precision that it has. */
import { join } from 'node:path'
import type { Manifest, Precision } from '../../src/bundle/manifest.ts'
import { readManifest } from '../../src/bundle/read_manifest.ts'
import type { TensorSpec } from '../../src/tower/layout.ts'

export type Tower = {
  bundle: string
  precision: Precision
  manifest: Manifest
  /** Requests that may share a run. */
  batch_limit: number
  signature: { model: string; model_sha256: string; inputs: TensorSpec[]; output: TensorSpec }
}

/** The item table is not needed. */
export async function openTowers(directory: string): Promise<Tower[]> {
  const manifest = await readManifest(directory)
  const { files, inputs, output, int8_scales } = manifest.query_tower
  return (['float32', 'int8'] as const).flatMap((precision) => {
    const file = files[precision]
    if (!file) return []
    const signature = {
      model: join(directory, file),
      model_sha256: manifest.files[file],
      inputs: inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
      output: { name: output, dtype: 'float32' as const, shape: [manifest.heads.length, manifest.dims] },
    }
    const batch_limit = precision === 'int8' && int8_scales !== 'row' ? 1 : Number.POSITIVE_INFINITY
    return [{ bundle: manifest.name, precision, manifest, batch_limit, signature }]
  })
}
