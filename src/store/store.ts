/**
 * The feature store's contract: everything a request needs in one round trip, and what engagements change. Redis and the
 * embedded store hold it, one suite runs over both. Keys are those of docs/formats.md §6 without prefix and version.
 */

export type StoreRead = {
  /** `seq:{user}`; null when the request needs no stored sequence. */
  sequence: string | null
  /** `iqp:…` and `qemb:…` keys. */
  values: string[]
  /** `iqp-live:…` keys. Never answered from a cache. */
  live: string[]
}

/** One key whose value could not be had while others could: a wrong type, a Cluster node that is down or late. */
export type StoreProblem = { key: string; error: StoreError }

export type StoreAnswer = {
  /** Events of 16 bytes, concatenated, newest first; null when the user has none. */
  sequence: Uint8Array | null
  /** One per key of `StoreRead.values`; null when absent. */
  values: (Uint8Array | null)[]
  /** One per key of `StoreRead.live`; null when absent. */
  live: (Uint8Array | null)[]
  /** Keys that read as null here though they may exist. */
  problems: StoreProblem[]
}

/** Events for one key: onto a user's sequence, or into the live counts of a query or token. */
export type StoreWrite = {
  kind: 'sequence' | 'live_counts'
  key: string
  /** Oldest first. `id` is 8 bytes; `value` 16: the packed event, or the field that counts it. */
  events: readonly { id: Uint8Array; value: Uint8Array }[]
}

/** What one key may take. */
export type WriteLimits = {
  /** How long a key remembers the id of an event, and how many of them. */
  ids_ttl_ms: number
  ids_max: number
  /** A sequence expires that long after its last event. */
  sequence_ttl_ms: number
  /** Days of live counts that are kept, and items (by action) per day; what is beyond counts in the totals only. */
  live_days: number
  live_items_max: number
}

export type WriteOptions = { now_ms: number; deadline_ms: number; limits: WriteLimits }

/** `out_of_order`: applied, though older than the newest event of the sequence. `duplicate`: the key knows the id. */
export type Written = 'applied' | 'out_of_order' | 'duplicate'

/** What one store client knows of its health. */
export type StoreState = { kind: 'redis' | 'embedded'; ok: boolean; detail: string; version: string | null }

export interface FeatureStore {
  /** Rejects with a StoreError when nothing could be read: the store is late (deadline_ms from now), down, or answers nonsense. */
  read(request: StoreRead, deadline_ms: number): Promise<StoreAnswer>
  /**
   * Each write is atomic and idempotent by event id. Answers per write with what became of each event, or with an error:
   * then nothing was applied or, where that came too late, it is not known; the same write may be sent again.
   */
  write(writes: readonly StoreWrite[], options: WriteOptions): Promise<(Written[] | StoreError)[]>
  state(): StoreState
  close(): Promise<void>
}

/**
 * `late`: no answer in time. `down`: no connection, or the breaker is open. `nonsense`: an answer that is not a feature.
 * `full`: it takes no writes until it has memory again. `not_loaded`: nothing that a batch build writes is there, as after
 * a restart without persistence.
 */
export type StoreErrorKind = 'late' | 'down' | 'nonsense' | 'full' | 'not_loaded'

export class StoreError extends Error {
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}
