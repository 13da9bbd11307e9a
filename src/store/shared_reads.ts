/**
 * What requests read within one turn of the event loop goes out as one pipeline (on a Cluster one per slot): one write to the
 * socket, mostly one packet back, and a key that several of them want is read once.
 */
import { clusterSlot } from './cluster_slot.ts'
import type { RedisClient } from './redis_client.ts'
import { type Reply, runPipeline, type Wanted } from './redis_commands.ts'

/** A reply per wanted key; all of them must be in one slot of a Cluster. */
export type ReadShared = (wanted: readonly Wanted[]) => Promise<Reply[]>

/** `places` are indexes in `wanted` by full key. */
type Batch = { wanted: Wanted[]; places: Map<string, number>; replies: Promise<Reply[]>; send(): void }

/** A batch of that many keys does not wait for the end of the turn, which may be a long one. */
const KEYS_MAX = 64

export function shareReads(client: RedisClient): ReadShared {
  const open = new Map<number, Batch>()

  function begin(slot: number): Batch {
    const { promise: replies, resolve } = Promise.withResolvers<Reply[]>()
    const wanted: Wanted[] = []
    const send = () => {
      if (open.get(slot) !== batch) return
      open.delete(slot)
      resolve(runPipeline(client, wanted))
    }
    const batch = { wanted, places: new Map(), replies, send }
    open.set(slot, batch)
    setImmediate(send)
    return batch
  }

  return async (wanted) => {
    const slot = 'slots' in client ? clusterSlot(wanted[0].full_key) : 0
    const batch = open.get(slot) ?? begin(slot)
    const places = wanted.map((one) => placeOf(batch, one))
    if (batch.wanted.length >= KEYS_MAX) batch.send()
    const replies = await batch.replies
    return places.map((place) => replies[place])
  }
}

function placeOf({ wanted, places }: Batch, one: Wanted): number {
  const known = places.get(one.full_key)
  if (known !== undefined) return known
  const place = wanted.push(one) - 1
  places.set(one.full_key, place)
  return place
}
