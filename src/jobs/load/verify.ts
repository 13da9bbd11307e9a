/** Reads a sample of what was written back and compares it byte by byte, before anything is served from it. */
import { xxh32 } from '../../features/hash.ts'
import type { SnapshotRecord } from '../../store/snapshot.ts'
import { type Job, JobError } from '../run/job.ts'
import { isSequence, readBatches } from './batches.ts'
import type { Client } from './client.ts'
import type { LoadKeys } from './keys.ts'

const SAMPLE_RECORDS = 2000

type Verify = { client: Client; keys: LoadKeys; files: string[]; job: Job }

/** How many records were compared. The choice follows from the keys, so a rerun compares the same ones. */
export async function verifySample(
  { client, keys, files, job }: Verify,
  staged: { values: number; sequences: number },
): Promise<number> {
  const step = job.progress.step('comparing a sample', { unit: 'records' })
  const every = Math.max(1, Math.floor((staged.values + staged.sequences) / SAMPLE_RECORDS))
  let compared = 0
  for await (const batch of readBatches(files)) {
    job.signal.throwIfAborted()
    const sample = batch.filter(({ key }) => xxh32(key) % every === 0)
    await Promise.all(sample.map((record) => compare(client, keys, record)))
    compared += sample.length
    step.advance(compared)
  }
  step.finish(`${compared} equal`)
  return compared
}

async function compare({ redis }: Client, keys: LoadKeys, record: SnapshotRecord): Promise<void> {
  const key = keys.staged(record.key)
  const found = isSequence(record) ? Buffer.concat(await redis.lrangeBuffer(key, 0, -1)) : await redis.getBuffer(key)
  if (found?.equals(record.value)) return
  const what = found === null || found.length === 0 ? 'nothing' : `${found.length} other bytes`
  throw new JobError(
    `${key}: found ${what}, expected the ${record.value.byteLength} bytes written; is Redis evicting keys?`,
  )
}
