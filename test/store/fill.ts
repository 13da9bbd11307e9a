import { Cluster, Redis } from 'ioredis'
import { EVENT_BYTES } from '../../src/features/sequence.ts'
import type { SnapshotRecord } from '../../src/store/snapshot.ts'

export const PREFIX = 'test:'

/** Writes records as a batch build would, then points `current` at their version. */
export async function fillRedis(url: string, records: SnapshotRecord[], version: string | null = null): Promise<void> {
  const client = new Redis(url)
  await write(client, records, version)
  await client.quit()
}

export async function fillCluster(
  urls: string[],
  records: SnapshotRecord[],
  version: string | null = null,
): Promise<void> {
  const client = new Cluster(urls)
  await write(client, records, version)
  await client.quit()
}

async function write(client: Redis | Cluster, records: SnapshotRecord[], version: string | null): Promise<void> {
  const versioned = version === null ? PREFIX : `${PREFIX}${version}:`
  for (const { key, value } of records) {
    if (key.startsWith('seq:')) {
      await client.del(PREFIX + key)
      for (let at = 0; at < value.length; at += EVENT_BYTES) {
        await client.rpush(PREFIX + key, Buffer.from(value.subarray(at, at + EVENT_BYTES)))
      }
    } else await client.set(versioned + key, Buffer.from(value))
  }
  if (version !== null) await client.set(`${PREFIX}current`, version)
}
