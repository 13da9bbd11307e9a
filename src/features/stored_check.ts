/** Whether stored bytes are what their key says, by the codec of each family. For jobs; a request decodes what it reads. */
import type { Manifest } from '../bundle/manifest.ts'
import { parseCountBlob } from './counts.ts'
import { decodeEvents, EVENT_BYTES, SEQUENCE_EVENTS_MAX } from './sequence.ts'
import { decodeEmbedding, embeddingDims } from './stored.ts'

/** Throws with the key, what was found and what was expected. Answers with the as-of time of a count blob. */
export type StoredCheck = (key: string, value: Uint8Array) => number | null

export function storedCheck(manifest: Manifest): StoredCheck {
  const columns = manifest.counts.columns.map(({ name }) => name)
  const dims = embeddingDims(manifest)
  function check(family: string, value: Uint8Array): number | null {
    if (family === 'iqp') return parseCountBlob(value, columns).as_of_ms
    if (family === 'seq') assertSequence(value)
    else if (family === 'qemb') {
      // A bundle that reads none takes any.
      if (dims > 0) decodeEmbedding(value, dims)
    } else throw new Error(`found the key family "${family}", expected seq, iqp or qemb`)
    return null
  }
  return (key, value) => {
    try {
      return check(key.split(':', 1)[0], value)
    } catch (error) {
      throw new Error(`${key}: ${(error as Error).message}`, { cause: error })
    }
  }
}

function assertSequence(value: Uint8Array): void {
  const { length } = decodeEvents(value).keys
  if (length < 1 || length > SEQUENCE_EVENTS_MAX) {
    throw new Error(
      `sequence: found ${length} events (${value.byteLength} bytes), expected 1 to ${SEQUENCE_EVENTS_MAX} of ${EVENT_BYTES} bytes`,
    )
  }
}
