/**
 * A bundle's feature snapshots into Redis, in every layout that a side of the comparison reads: sequences and count
 * blobs under their own keys, and each blob once more as a hash, `pr:hash:<key>`, whose field `totals` holds F float64
 * and whose field named after an item id holds that item's F counts as uint32.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChainableCommander, Redis } from 'ioredis'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { type ParsedCounts, parseCountBlob } from '../../src/features/counts.ts'
import { EVENT_BYTES } from '../../src/features/sequence.ts'
import { readSnapshot, type SnapshotRecord } from '../../src/store/snapshot.ts'

export const PREFIX = 'pr:'
export const HASH_PREFIX = 'pr:hash:'
export const TOTALS_FIELD = 'totals'
const RECORDS_PER_ROUND_TRIP = 200

/** Returns how many records were loaded. */
export async function loadFeatures({ bundle, redis_url }: { bundle: string; redis_url: string }): Promise<number> {
  const manifest: Manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8'))
  const columns = manifest.counts.columns.map(({ name }) => name)
  const redis = new Redis(redis_url)
  try {
    let loaded = 0
    let pipeline = redis.pipeline()
    for (const path of globSync(join(bundle, 'features', '*.snapshot')).sort()) {
      for await (const record of readSnapshot(path)) {
        addRecord(pipeline, record)
        if (record.key.startsWith('iqp:')) addHash(pipeline, record.key, parseCountBlob(record.value, columns))
        if (++loaded % RECORDS_PER_ROUND_TRIP > 0) continue
        await finish(pipeline)
        pipeline = redis.pipeline()
      }
    }
    await finish(pipeline)
    return loaded
  } finally {
    redis.disconnect()
  }
}

function addRecord(pipeline: ChainableCommander, { key, value }: SnapshotRecord): void {
  if (!key.startsWith('seq:')) {
    pipeline.set(PREFIX + key, Buffer.from(value))
    return
  }
  for (let at = 0; at < value.length; at += EVENT_BYTES) {
    pipeline.rpush(PREFIX + key, Buffer.from(value.subarray(at, at + EVENT_BYTES)))
  }
}

function addHash(pipeline: ChainableCommander, key: string, blob: ParsedCounts): void {
  const { keys, totals, counts } = blob
  const fields: (string | Buffer)[] = [TOTALS_FIELD, Buffer.from(Float64Array.from(totals).buffer)]
  for (const [item, id] of keys.entries()) {
    const packed = Uint32Array.from(totals, (_, column) => counts[column * keys.length + item])
    fields.push(`${id}`, Buffer.from(packed.buffer))
  }
  pipeline.hset(HASH_PREFIX + key, fields)
}

async function finish(pipeline: ChainableCommander): Promise<void> {
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
}
