/**
 * The feature store's contract: everything a request needs, in one round trip. Redis and the embedded store hold it,
 * one suite runs over both. Keys are those of docs/formats.md §6 without prefix and version.
 */

export type StoreRead = {
  /** `seq:{user}`; null when the request needs no stored sequence. */
  sequence: string | null
  /** `iqp:…` and `qemb:…` keys. */
  values: string[]
}

/** One key whose value could not be had while others could: a wrong type, a Cluster node that is down or late. */
export type StoreProblem = { key: string; error: StoreError }

export type StoreAnswer = {
  /** Events of 16 bytes, concatenated, newest first; null when the user has none. */
  sequence: Uint8Array | null
  /** One per key of `StoreRead.values`; null when absent. */
  values: (Uint8Array | null)[]
  /** Keys that read as null here though they may exist. */
  problems: StoreProblem[]
}

/** What one store client knows of its health. */
export type StoreState = { kind: 'redis' | 'embedded'; ok: boolean; detail: string; version: string | null }

export interface FeatureStore {
  /** Rejects with a StoreError when nothing could be read: the store is late (deadline_ms from now), down, or answers nonsense. */
  read(request: StoreRead, deadline_ms: number): Promise<StoreAnswer>
  state(): StoreState
  close(): Promise<void>
}

/** `late`: no answer in time. `down`: no connection, or the breaker is open. `nonsense`: an answer that is not a feature. */
export type StoreErrorKind = 'late' | 'down' | 'nonsense'

export class StoreError extends Error {
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}
