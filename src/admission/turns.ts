/**
 * Whose turn it is on the main thread. What a request computes there in one piece (decoding, encoding) waits here instead of
 * in the sockets: a turn of the event loop runs about a millisecond of it, then sockets are read, timers fire and refusals
 * go out, and how much work waits is known.
 *
 * Answers go before new requests: they give memory back. New requests go by arrival plus some time in proportion to their
 * cost, so that a small one need not wait for a large one that came just before, and the large one not forever.
 */
export type Piece = {
  /** performance.now() of the request's arrival. */
  arrived_ms: number
  cost_ms: number
  /** Ends a request. */
  last?: boolean
}

export type Turns = {
  /** At once where nothing waits and the turn is young. */
  run<T>(work: () => T, piece: Piece): Promise<T>
  /** How long a new request of this cost would wait. */
  wait_ms(cost_ms: number): number
  /** How long the oldest waiting request has been here; 0 without one. */
  oldest_ms(): number
  /** When a request that is read now may have come: before the last piece, where the thread was busy until just now. */
  arrival_ms(): number
}

type Waiting = { due_ms: number; piece: Piece; run: () => void }

const TURN_MS = 1
/** A turn lasts that many times as long as what came between (refusals, most of it), so that those never starve the work. */
const SHARE = 4
const TURN_MS_MAX = 20
/** A piece steps back by that many times its own cost. */
const YIELD = 2

export function createTurns(now = () => performance.now()): Turns {
  const queue: Waiting[] = []
  const latest = { start_ms: Number.NEGATIVE_INFINITY, end_ms: Number.NEGATIVE_INFINITY }
  let turn_ms = Number.NEGATIVE_INFINITY
  let turn_end_ms = Number.NEGATIVE_INFINITY
  let isScheduled = false

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    turn_ms = now()
    setImmediate(next)
  }
  const next = () => {
    isScheduled = false
    if (queue.length === 0) return
    const between_ms = now() - turn_end_ms
    schedule()
    const length_ms = Math.min(Math.max(TURN_MS, SHARE * between_ms), TURN_MS_MAX)
    while (queue.length > 0 && now() - turn_ms < length_ms) queue.shift()!.run()
    turn_end_ms = now()
  }
  const timed = <T>(work: () => T): T => {
    latest.start_ms = now()
    try {
      return work()
    } finally {
      latest.end_ms = now()
    }
  }

  return {
    async run(work, piece) {
      schedule()
      if (queue.length === 0 && now() - turn_ms < TURN_MS) return timed(work)
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof work>>()
      const run = () => {
        try {
          resolve(timed(work))
        } catch (error) {
          reject(error)
        }
      }
      insert(queue, { due_ms: dueOf(piece), piece, run })
      return promise
    },
    wait_ms(cost_ms) {
      const due_ms = dueOf({ arrived_ms: now(), cost_ms })
      return queue.reduce((sum, waiting) => (waiting.due_ms <= due_ms ? sum + waiting.piece.cost_ms : sum), 0)
    },
    oldest_ms() {
      const oldest_ms = queue.reduce((oldest, { piece }) => Math.min(oldest, piece.arrived_ms), now())
      return now() - oldest_ms
    },
    arrival_ms() {
      const at_ms = now()
      return at_ms - latest.end_ms < TURN_MS ? latest.start_ms : at_ms
    },
  }
}

const dueOf = ({ arrived_ms, cost_ms, last }: Piece) => (last ? Number.NEGATIVE_INFINITY : arrived_ms + YIELD * cost_ms)

/** Behind all that are due no later. */
function insert(queue: Waiting[], waiting: Waiting): void {
  let at = queue.length
  while (at > 0 && queue[at - 1].due_ms > waiting.due_ms) at--
  queue.splice(at, 0, waiting)
}
