/** The compiled addon (src/kernel/build.mjs), where there is one. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A mapped table; holds the mapping until closed and collected. */
export type TableHandle = { readonly __table: unique symbol }

export type CallFailure = { blob: number; message: string }

/** What native calls read; see the heads of resolve_job.c and score_job.c. */
export type ResolveCall = {
  table: TableHandle
  keys: BigUint64Array
  rows: Uint32Array
  parts: number
  inline: boolean
}
export type ScoreCall = ResolveCall & {
  formula: Float32Array
  query: Float32Array
  columns: (Float32Array | null)[]
  blobs: Uint8Array[]
  features: Int16Array[]
  checked: Uint8Array
  positions?: Uint32Array
  scores?: Float32Array
  all?: Float32Array
  raw?: Float32Array
  transformed?: Float32Array
}

export type Addon = {
  mapTable(file: number, shape: number[]): TableHandle
  /** Drops a file's clean pages from the system's cache. */
  forgetCache(file: number): void
  /** Copies a value of each row: `bytes` at offset + stride · row, zeros for NO_ROW. */
  tableGather(
    handle: TableHandle,
    strip: [offset: number, stride: number, bytes: number],
    rows: Uint32Array,
    out: Uint8Array,
  ): void
  tableBuffer(handle: TableHandle): ArrayBuffer
  closeTable(handle: TableHandle, buffer: ArrayBuffer | null): void
  /** Whether the file has lost bytes since it was mapped: what was read of it may be zeros. */
  tableLost(handle: TableHandle): boolean
  /** XXH64 of `to` bytes at `offset`, off this thread; the four lanes have the first `from` of them, from the call before. */
  tableChecksum(
    handle: TableHandle,
    lanes: BigUint64Array,
    range: [offset: number, from: number, to: number],
  ): Promise<bigint>
  hashIds(ids: string[]): BigUint64Array
  /** So much more niceness for threads of the libuv pool, from their next kernel work on; Linux only. */
  lowerPriority(nice: number): void
  /** Freed memory goes back to the system. */
  trimMemory(): Promise<void>
  resolve(call: ResolveCall): Promise<[unknown: number, duplicates: number] | CallFailure>
  score(call: ScoreCall): Promise<number | CallFailure>
  /** Another descriptor of an open file or socket, to be closed by the caller. */
  duplicate(file: number): number
  /** The large arrays of a JSON body, as json_addon.c describes; used by src/http only. */
  jsonFind(bytes: Uint8Array): Uint32Array
  jsonIds(bytes: Uint8Array, array: Uint32Array, texts: boolean, keys: BigUint64Array, spans: Uint32Array): boolean
  jsonNumbers(bytes: Uint8Array, array: Uint32Array, out: Float32Array): boolean
  jsonAnswer(
    head: string,
    bytes: Uint8Array | null,
    spans: Uint32Array | null,
    positions: Uint32Array,
    scores: Float32Array,
    tail: string,
  ): Buffer
}

export type LoadedAddon = { addon: Addon; problem: null } | { addon: null; problem: string }

export function loadAddon(): LoadedAddon {
  const path = fileURLToPath(new URL('../../build/prerank.node', import.meta.url))
  if (!existsSync(path)) return { addon: null, problem: `${path} does not exist; run "npm rebuild" with a C compiler` }
  try {
    return { addon: createRequire(import.meta.url)(path), problem: null }
  } catch (error) {
    return { addon: null, problem: `${path} does not load: ${error instanceof Error ? error.message : error}` }
  }
}
