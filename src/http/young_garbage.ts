/**
 * Node hands every 64 KiB of a body over in memory of its own, outside the JavaScript heap. V8 counts that memory, but looks
 * at it late: a few large bodies make it mark the whole heap, beside the requests and for tens of milliseconds of CPU,
 * though a look at the young generation frees nearly all of it in one. So after every few large bodies that is asked for.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const BYTES_BETWEEN = 4 * 2 ** 20

/** Told how many bytes a body had, it collects when it is time to. */
export function createYoungCollector(): (bytes: number) => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  let bytes_since = 0
  return (bytes) => {
    bytes_since += bytes
    if (bytes_since < BYTES_BETWEEN) return
    bytes_since = 0
    collect({ type: 'minor' })
  }
}
