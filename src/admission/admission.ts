/**
 * Who comes in: by the work that waits (time, not requests), by candidates and by bytes of bodies that are in flight. A
 * request that is alone always comes in, so no limit can shut out a size for good.
 */
import { ServiceError } from '../errors.ts'
import { createFlow } from './flow.ts'
import { createStandingQueue } from './standing_queue.ts'

export type AdmissionLimits = {
  candidates_in_flight_max: number
  body_bytes_in_flight_max: number
  queue_wait_max_ms: number
  queue_wait_standing_ms: number
}

export type Ask = {
  /** How long it would wait for the stages whose queue is known, and how long it would hold them itself. */
  wait_ms: number
  own_ms: number
  /** How long the oldest one has waited. */
  oldest_ms: number
  /** Time that the request has for everything. */
  left_ms: number
  candidates: number
  bytes: number
  /** Its own, where it has been let in once. */
  ticket?: Ticket
}

/** What one request holds; every amount replaces the one before. */
export type Ticket = {
  /** Throw where more cannot be had. */
  holdCandidates(count: number): void
  holdBytes(count: number): void
  /** Its work is done; then it is closed too. */
  answered(): void
  close(): void
}

/** Why not. No error: of many requests most are refused, and one error takes longer to make and throw than the decision. */
export type Refusal = { reason: string; finding: { found: string; expected: string } }

export type Admission = {
  readonly candidates: number
  readonly bytes: number
  /** Null where the request may come in; takes nothing. */
  refusalOf(ask: Ask): Refusal | null
  open(): Ticket
}

type Kind = 'candidates' | 'bytes'
type Held = Record<Kind, number>

/**
 * That many requests are in work at the same time: one each on the main thread, in the store, in the tower and in the kernel. What
 * they wait for is the machine (a collection, a neighbour that has the core), and refusing others would not shorten it.
 */
const IN_WORK = 4
/** Who waits longer than that share of its time will hardly be answered within the rest. */
const WAIT_SHARE = 0.2

export function createAdmission(limits: AdmissionLimits, now = () => performance.now()): Admission {
  const { queue_wait_max_ms, queue_wait_standing_ms } = limits
  const standing = createStandingQueue({ burst_ms: queue_wait_max_ms, standing_ms: queue_wait_standing_ms }, now)
  const flow = createFlow(now)
  const maxima: Held = { candidates: limits.candidates_in_flight_max, bytes: limits.body_bytes_in_flight_max }
  const total: Held = { candidates: 0, bytes: 0 }
  const tickets = new Map<Ticket, Held>()
  /** Those that hold candidates: their body is here. One that is on its way does not work yet. */
  let working = 0

  function lackOf(kind: Kind, { others, wanted }: { others: number; wanted: number }): Refusal | null {
    const max = maxima[kind]
    if (others === 0 || others + wanted <= max) return null
    const found = `${wanted} ${kind} beside ${others} in flight`
    return { reason: kind, finding: { found, expected: `at most ${max} together` } }
  }

  function works(is: boolean, was: boolean): void {
    working += Number(is) - Number(was)
    if (is && !was && working === IN_WORK) flow.busy()
  }

  function open(): Ticket {
    const held: Held = { candidates: 0, bytes: 0 }
    const hold = (kind: Kind, wanted: number) => {
      const others = total[kind] - held[kind]
      const lack = wanted > held[kind] ? lackOf(kind, { others, wanted }) : null
      if (lack) throw overloaded(lack)
      if (kind === 'candidates') works(wanted > 0, held.candidates > 0)
      held[kind] = wanted
      total[kind] = others + wanted
    }
    const ticket: Ticket = {
      holdCandidates: (count) => hold('candidates', count),
      holdBytes: (count) => hold('bytes', count),
      answered() {
        if (held.candidates > 0 && working >= IN_WORK) flow.answered(held.candidates)
        ticket.close()
      },
      close() {
        tickets.delete(ticket)
        hold('candidates', 0)
        hold('bytes', 0)
      },
    }
    tickets.set(ticket, held)
    return ticket
  }

  /** Candidates of those that work. */
  function* candidatesBeside(ticket?: Ticket): Iterable<number> {
    for (const [other, { candidates }] of tickets) if (other !== ticket && candidates > 0) yield candidates
  }

  return {
    get candidates() {
      return total.candidates
    },
    get bytes() {
      return total.bytes
    },
    refusalOf({ wait_ms, own_ms, oldest_ms, left_ms, candidates, bytes, ticket }) {
      // What is known to wait takes longer than its sum where other work comes between: the age of the oldest says so.
      const isOld = oldest_ms > wait_ms
      // Whose time is over is told so by its budget.
      const most_ms = left_ms > 0 ? WAIT_SHARE * left_ms : Number.POSITIVE_INFINITY
      const is_too_long = standing.refuses({ wait_ms: isOld ? oldest_ms : wait_ms, own_ms, most_ms })
      if (tickets.size - (ticket ? 1 : 0) >= IN_WORK) {
        if (is_too_long) return isOld ? aged(oldest_ms) : queued(wait_ms)
        const flow_ms = flow.wait_ms(candidates, candidatesBeside(ticket))
        const flow_ms_max = Math.min(Math.max(queue_wait_max_ms, flow.cost_ms(candidates)), most_ms)
        if (flow_ms > flow_ms_max) return queued(flow_ms)
      }
      return (
        lackOf('candidates', { others: total.candidates, wanted: candidates }) ??
        lackOf('bytes', { others: total.bytes, wanted: bytes })
      )
    },
    open,
  }
}

const LATER = 'a try later, or at another replica'
const queued = (wait_ms: number): Refusal => ({
  reason: 'queue_wait',
  finding: { found: `${wait_ms.toFixed(1)} ms of work that waits`, expected: LATER },
})
const aged = (oldest_ms: number): Refusal => ({
  reason: 'queue_age',
  finding: { found: `a request that has waited ${oldest_ms.toFixed(1)} ms`, expected: LATER },
})

export const overloaded = ({ reason, finding }: Refusal) => new ServiceError('overloaded', finding, { reason })
