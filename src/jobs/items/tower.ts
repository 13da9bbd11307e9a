/** The item tower over blocks. A run computes on this thread, so between runs the event loop gets its turn for signals. */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Manifest } from '../../bundle/manifest.ts'
import type { TowerFeed } from '../../tower/inputs.ts'
import { EXACT_INT8 } from '../../tower/session.ts'
import { JobError } from '../run/job.ts'
import '../../tower/telemetry.ts'

const BATCH_ITEMS = 256

export type ItemTower = {
  /** `vectors` takes items × D, `content` items × C. */
  run(feed: TowerFeed, items: number, out: { vectors: Float32Array; content: Float32Array }): Promise<void>
  close(): Promise<void>
}

export async function openItemTower(options: {
  directory: string
  manifest: Manifest
  threads: number
  signal: AbortSignal
}): Promise<ItemTower> {
  const { directory, manifest, signal } = options
  const tower = manifest.item_tower
  if (!tower) throw new JobError(`${directory}: the manifest has no item tower; give ready vectors with --vectors`)
  const session = await InferenceSession.create(join(directory, tower.file), {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    extra: EXACT_INT8,
  })
  return {
    close: () => session.release(),
    async run(feed, items, out) {
      for (let first = 0; first < items; first += BATCH_ITEMS) {
        signal.throwIfAborted()
        const rows = Math.min(BATCH_ITEMS, items - first)
        const results = await session.run(tensors(tower.inputs, feed, { first, rows }))
        copyOutput(results[tower.output], out.vectors, { first, rows, name: tower.output })
        if (tower.content_output && out.content.length > 0) {
          copyOutput(results[tower.content_output], out.content, { first, rows, name: tower.content_output })
        }
        await turn()
      }
    },
  }
}

type Inputs = NonNullable<Manifest['item_tower']>['inputs']

function tensors(inputs: Inputs, feed: TowerFeed, { first, rows }: { first: number; rows: number }) {
  const entries = inputs.map(({ name, shape }, at): [string, Tensor] => {
    const width = shape.reduce((product, size) => product * size, 1)
    const data = feed[at].subarray(first * width, (first + rows) * width)
    const dims = [rows, ...shape]
    return [name, data instanceof Int32Array ? new Tensor('int32', data, dims) : new Tensor('float32', data, dims)]
  })
  return Object.fromEntries(entries)
}

type Place = { first: number; rows: number; name: string }

/** The width follows from the output itself; one that does not fit what the manifest says is refused. */
function copyOutput(output: Tensor | undefined, out: Float32Array, { first, rows, name }: Place): void {
  const width = out.length === 0 ? 0 : (output?.dims.at(-1) ?? 0)
  const data = output?.data
  if (!(data instanceof Float32Array) || data.length !== rows * width || (first + rows) * width > out.length) {
    const found = output ? `${output.type}[${output.dims}]` : 'nothing'
    throw new JobError(
      `item tower: output "${name}" is ${found}, expected float32 with one row for each of ${rows} items`,
    )
  }
  out.set(data, first * width)
}
