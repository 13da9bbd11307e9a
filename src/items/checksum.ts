/** XXH64 (seed 0) of bytes that may be larger than WebAssembly memory should become. */
import xxhash from 'xxhash-wasm'

const { create64 } = await xxhash()
const CHUNK_BYTES = 1 << 20

export type Checksum = { add(bytes: Uint8Array): void; digest(): bigint }

export function startChecksum(): Checksum {
  const state = create64()
  return {
    add(bytes) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) state.update(bytes.subarray(at, at + CHUNK_BYTES))
    },
    digest: () => state.digest(),
  }
}

export function checksum(bytes: Uint8Array): bigint {
  const state = startChecksum()
  state.add(bytes)
  return state.digest()
}
