/**
 * The model as the bundle's manifest names it: read through a descriptor that stays open as long as the pool, so that workers
 * which are replaced get the file that was verified, whatever takes its name meanwhile; and compared with its SHA-256, since
 * an open file can still be overwritten. Kept in memory it would cost every bundle up to some 50 MB for what hardly happens.
 */
import { createHash } from 'node:crypto'
import { fstatSync, readSync } from 'node:fs'

export type ModelFile = {
  /** Its path, for messages. */
  model: string
  /** Descriptor, open for reading. */
  model_file: number
  /** Of its bytes, in hex. */
  model_sha256: string
}

export function readModel({ model, model_file, model_sha256 }: ModelFile): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fstatSync(model_file).size)
  // With positions of their own, workers that start at the same time do not move each other's.
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(model_file, bytes, at, bytes.length - at, at)
    if (count === 0) throw new Error(`${model}: found ${at} bytes, expected ${bytes.length}: somebody truncates it`)
    at += count
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== model_sha256) throw new Error(`${model}: found SHA-256 ${found}, expected ${model_sha256}`)
  return bytes
}
