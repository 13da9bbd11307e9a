/**
 * When V8 looks for garbage in its whole heap. After it did, it does so again when 8 MiB have come, memory beside the heap
 * included (buffers, bodies): a service that leaves next to nothing there has a limit just above what it always uses. Then a
 * reload, or a few large bodies, make V8 mark everything, for 100 ms of two cores beside the requests, again and again.
 * With this, as much may come as there is, and no more.
 */
import { setFlagsFromString } from 'node:v8'

const PERCENT = 100

export function widenHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${PERCENT}`)
}
