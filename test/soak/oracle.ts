/**
 * What the service should answer. Both bundles are open here too, scored by the reference kernel; the features come from a
 * store in memory that is told every engagement which the service has taken. The oracle sees neither Redis nor the service.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, openBundle } from '../../src/bundle/bundle.ts'
import { readConfig } from '../../src/config.ts'
import { DAY_MS } from '../../src/day.ts'
import { createDecodeEngagements } from '../../src/engagements/decode.ts'
import { engage } from '../../src/engagements/engage.ts'
import type { Outcome } from '../../src/engagements/engagement.ts'
import { referenceKernel } from '../../src/kernel/reference.ts'
import { createDecode } from '../../src/prerank/decode.ts'
import { prerank } from '../../src/prerank/pipeline.ts'
import { countOf } from '../../src/prerank/request.ts'
import { createServing, type Serving } from '../../src/prerank/serving.ts'
import { embeddedStore } from '../../src/store/embedded.ts'
import { createEmbeddedWrites } from '../../src/store/embedded_writes.ts'
import { readSnapshot } from '../../src/store/snapshot.ts'
import type { FeatureStore } from '../../src/store/store.ts'
import { beliefsFor, storeOf } from './beliefs.ts'
import { findFault, type GivenAnswer } from './judge.ts'

/** `losing`: the store is losing its data, or was, while the request ran: it may know more or less than it was told. */
export type Check = { body: unknown; answer: GivenAnswer; now_ms: number; versions: string[]; losing: boolean }

export type Oracle = {
  /** Null when the answer is right. */
  check(check: Check): Promise<string | null>
  /** The service has taken these; what it should have said. */
  engaged(events: unknown[]): Promise<Outcome[]>
  /** The store has lost its data, and the snapshots were loaded into it again. */
  lost(): void
  close(): Promise<void>
}

const config = readConfig({ CANDIDATES_MAX: '200000' })
/** Never late: the store is a map. */
const LIMITS = { ...config, store_deadline_ms: 60_000 }
const WRITES_BYTES_MAX = 2 ** 40
const WRITE_LIMITS = {
  age_ms_max: config.engagement_age_max_ms,
  ahead_ms_max: config.engagement_ahead_max_ms,
  deadline_ms: 60_000,
  ids_max: config.engagement_ids_max,
  ids_ttl_ms: config.engagement_age_max_ms + config.engagement_ahead_max_ms,
  sequence_ttl_ms: config.sequence_days * DAY_MS,
  live_days: config.live_counts_days,
  live_items_max: config.live_counts_items_max,
}

export async function openOracle(directories: string[], features: string): Promise<Oracle> {
  const values = await readFeatures(features)
  const unloaded = new Map([...values].filter(([key]) => !key.startsWith('seq:')))
  const fresh = () => embeddedStore(values, { changed: createEmbeddedWrites({ bytes_max: WRITES_BYTES_MAX }) })
  let store = fresh()
  let before = store
  const servings = new Map<string, Serving>()
  for (const directory of directories) {
    const bundle = await open(directory)
    const parts = { bundle, kernel: referenceKernel(), store, limits: LIMITS }
    servings.set(bundle.manifest.version, createServing(parts))
  }
  const decode = createDecode(config)
  const decodeEvents = createDecodeEngagements(config)
  const [first] = servings.values()

  async function faultWith(known: FeatureStore, { serving, check }: { serving: Serving; check: Check }) {
    const decoded = decode(check.body, serving.accepted)
    const everything = { ...decoded, top_k: countOf(decoded.candidates) }
    let first_fault: string | null = null
    for (const belief of beliefsFor(check.answer.degraded, serving.bundle.manifest.counts.segments)) {
      const expected = await prerank({ ...serving, store: storeOf(known, belief) }, everything, {
        now_ms: check.now_ms,
      })
      const fault = findFault(check.answer, expected, decoded)
      if (fault === null) return null
      first_fault ??= fault
    }
    return first_fault
  }

  return {
    async check(check) {
      const { version } = check.answer.model
      const serving = servings.get(version)
      if (!serving || !check.versions.includes(version))
        return `version ${version}, expected ${check.versions.join(' or ')}`
      const possible = check.losing ? [store, before, fresh(), embeddedStore(unloaded)] : [store]
      let first_fault: string | null = null
      for (const known of possible) {
        const fault = await faultWith(known, { serving, check })
        if (fault === null) return null
        first_fault ??= fault
      }
      return first_fault
    },
    async engaged(events) {
      const decoded = decodeEvents({ events }, first.bundle.manifest)
      const limits = WRITE_LIMITS
      return (await engage({ store, bundle: first.bundle }, decoded.events, { limits, now_ms: Date.now() })).outcomes
    },
    lost() {
      before = store
      store = fresh()
    },
    async close() {
      await Promise.all([...servings.values()].map(({ bundle }) => bundle.close()))
    },
  }
}

function open(directory: string): Promise<Bundle> {
  const tower = { threads: 1, intra_op_threads: 1, batch_max: 1, wait_ms_max: 0, queue_max: 64 }
  return openBundle(directory, { precision: 'float32', tower })
}

async function readFeatures(directory: string): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>()
  for (const path of globSync(join(directory, '*.snapshot')).sort()) {
    for await (const { key, value } of readSnapshot(path)) values.set(key, value)
  }
  return values
}
