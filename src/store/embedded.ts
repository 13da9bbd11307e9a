/**
 * The store in this process's memory: from a bundle's snapshots, or the few values of a golden request. What engagements
 * change is gone with the process.
 */
import { createEmbeddedWrites, type EmbeddedWrites } from './embedded_writes.ts'
import { keptBytes } from './kept_bytes.ts'
import { readSnapshot } from './snapshot.ts'
import type { FeatureStore } from './store.ts'

/** Values are packed into blocks: a million small buffers would cost more than what is in them. */
const BLOCK_BYTES = 16 * 2 ** 20
const ALIGNMENT_BYTES = 8

export type EmbeddedStoreOptions = {
  detail?: string
  /** What engagements changed so far, and change from now on; without it they change nothing that lasts. */
  changed?: EmbeddedWrites
}

export function embeddedStore(
  values: ReadonlyMap<string, Uint8Array>,
  { detail = `${values.size} keys`, changed = createEmbeddedWrites({ bytes_max: 0 }) }: EmbeddedStoreOptions = {},
): FeatureStore {
  const find = (key: string) => values.get(key) ?? null
  return {
    async read({ sequence, values: keys, live }) {
      return {
        sequence: sequence === null ? null : (changed.sequence(sequence) ?? find(sequence)),
        values: keys.map(find),
        live: live.map(changed.live),
        problems: [],
      }
    },
    async write(writes, options) {
      return writes.map((write) => changed.write(write, options, find))
    },
    state: () => ({ kind: 'embedded', ok: true, detail, version: null }),
    async close() {},
  }
}

/** Reads snapshot files whole; refuses what would take more than bytes_max, and a key that comes twice. */
export async function openEmbeddedStore(
  paths: readonly string[],
  options: { bytes_max: number; changed?: EmbeddedWrites },
): Promise<FeatureStore> {
  const values = new Map<string, Uint8Array>()
  const pack = packer()
  let total_bytes = 0
  for (const path of paths) {
    for await (const { key, value } of readSnapshot(path)) {
      if (values.has(key)) throw new Error(`${path}: key "${key}" is in another snapshot too, expected every key once`)
      total_bytes += keptBytes(key, value)
      if (total_bytes > options.bytes_max) throw tooLarge(path, options.bytes_max)
      values.set(key, pack(value))
    }
  }
  return embeddedStore(values, {
    detail: `${values.size} keys from ${paths.length} snapshot files`,
    changed: options.changed,
  })
}

const tooLarge = (path: string, bytes_max: number) =>
  new Error(`${path}: the snapshots take more than ${bytes_max} bytes, the limit of the embedded store; use Redis`)

function packer(): (value: Uint8Array) => Uint8Array {
  let block = new ArrayBuffer(0)
  let used = 0
  return (value) => {
    if (used + value.byteLength > block.byteLength) {
      block = new ArrayBuffer(Math.max(BLOCK_BYTES, value.byteLength))
      used = 0
    }
    const packed = new Uint8Array(block, used, value.byteLength)
    packed.set(value)
    used = Math.ceil((used + value.byteLength) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return packed
  }
}
