/** An engagement as the service takes it: decoded, checked against the bundle, independent of the wire format. */
import type { RequestUser } from '../prerank/request.ts'

export type Engagement = {
  /** Unique among the events of its user. */
  id: string
  key: bigint
  /** Code of the action. */
  action: number
  time_ms: number
  user?: Pick<RequestUser, 'id' | 'country' | 'gender' | 'device' | 'language'>
  /** Without it the event is no engagement under a query: it joins the sequence only. */
  query?: { text: string }
}

/**
 * What became of an event. `out_of_order`: applied, older than the newest of the user's sequence, so it stands where its time
 * puts it. `duplicate`: it was applied before. `late`, `future`: its time is out of bounds. `ignored`: nothing in the bundle
 * reads it. `failed`: the store did not take all of it; send it again.
 */
export const OUTCOMES = ['applied', 'out_of_order', 'duplicate', 'late', 'future', 'ignored', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]
