/** Puts store records into Redis as docs/formats.md §6 lays them out, without a version. */
import { Redis } from 'ioredis'
import { EVENT_BYTES } from '../../src/features/sequence.ts'

export async function loadRedis(url: string, records: ReadonlyMap<string, Uint8Array>, prefix = 'pr:'): Promise<void> {
  const client = new Redis(url)
  const pipeline = client.pipeline()
  for (const [key, value] of records) {
    const bytes = Buffer.from(value)
    if (key.startsWith('seq:')) pipeline.rpush(prefix + key, ...chunks(bytes))
    else pipeline.set(prefix + key, bytes)
  }
  for (const [error] of (await pipeline.exec())!) if (error) throw error
  await client.quit()
}

function chunks(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / EVENT_BYTES }, (_, index) =>
    bytes.subarray(index * EVENT_BYTES, (index + 1) * EVENT_BYTES),
  )
}
