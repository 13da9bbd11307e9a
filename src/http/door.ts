/** What happens to a request before its body is read: it is refused, or gets a budget and a ticket. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import {
  type AdmissionLimits,
  type Ask,
  createAdmission,
  overloaded,
  type Refusal,
  type Ticket,
} from '../admission/admission.ts'
import { createEstimate, type Estimate } from '../admission/estimate.ts'
import { createTurns, type Turns } from '../admission/turns.ts'
import type { Metrics } from '../metrics.ts'
import { type Budget, createBudget } from '../prerank/budget.ts'
import { headerDeadline } from './deadline_header.ts'
import { type Format, formatOf } from './formats.ts'
import type { Host } from './host.ts'

export type DoorOptions = {
  limits: AdmissionLimits & { deadline_ms: number; candidates_max: number }
  host: Host
  metrics: Metrics
}

/** Bytes on the wire, which compressed bodies have fewer of. */
export type BodySize = { format: Format; bytes: number }

/** What bodies of one format cost by their bytes. */
type Costs = { decode_ms: Estimate; candidates: Estimate }

export type Visit = { arrived_ms: number; budget: Budget; ticket: Ticket; isWorking: boolean }

declare module 'fastify' {
  interface FastifyRequest {
    /** Of requests that came through the door. */
    visit: Visit | null
  }
}

/** Shorter bodies take about the same time to decode. */
const DECODE_BYTES_MIN = 16 * 1024

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

export type Door = {
  turns: Turns
  /** The hook of a route. `is_patient`: its work goes on without the client, and has a deadline of its own. */
  guard(url: string, options?: { is_patient: boolean }): OnRequest
  /** Why a request to this address would be refused now for want of room; null where it would not, or nobody guards it. */
  refusalOf(url: string, headers: IncomingHttpHeaders): Refusal | null
  /** Once the body is there: throws where it would wait too long, and takes its candidates into account. */
  admit(visit: Visit, body: BodySize): { decode_ms: number }
  /** What the forecasts learn from. */
  decoded(body: BodySize, found: { decode_ms: number; candidates: number }): void
  /** Keeps the ticket until the work ends, which may be after its request was answered. */
  during<T>(visit: Visit, work: Promise<T>): Promise<T>
}

export function createDoor({ limits, host, metrics }: DoorOptions): Door {
  const turns = createTurns()
  const admission = createAdmission(limits)
  /** Guarded addresses, and whether they are patient. */
  const guarded = new Map<string, boolean>()
  const costs: Record<Format, Costs> = { json: createCosts(), cbor: createCosts() }
  metrics.watchInFlight(() => admission)

  const forecast = ({ format, bytes }: BodySize) => ({
    decode_ms: costs[format].decode_ms.of(Math.max(bytes, DECODE_BYTES_MIN)),
    candidates: Math.min(limits.candidates_max, Math.round(costs[format].candidates.of(bytes))),
  })

  function refusalFor({ own_ms, left_ms, candidates, bytes, ticket }: Room): Refusal | null {
    const tower = host.serving?.bundle.tower
    const wait_ms = Math.max(turns.wait_ms(own_ms), tower?.wait_ms ?? 0)
    const oldest_ms = Math.max(turns.oldest_ms(), tower?.oldest_ms ?? 0)
    return admission.refusalOf({ wait_ms, own_ms, oldest_ms, left_ms, candidates, bytes, ticket })
  }

  function assertRoom(room: Room) {
    const refusal = refusalFor(room)
    if (refusal) throw overloaded(refusal)
  }

  /** What the head says. Throws where it says a deadline that cannot be read. */
  function read(headers: IncomingHttpHeaders, is_patient: boolean): { deadline_ms?: number; room: Room } {
    const deadline_ms = is_patient ? undefined : (headerDeadline(headers) ?? limits.deadline_ms)
    const body = announced(headers)
    const { decode_ms, candidates } = forecast(body)
    const left_ms = deadline_ms ?? Number.POSITIVE_INFINITY
    return {
      deadline_ms,
      room: { own_ms: decode_ms, left_ms, candidates: is_patient ? 0 : candidates, bytes: body.bytes },
    }
  }

  function open({ headers }: FastifyRequest, is_patient: boolean): Visit {
    const arrived_ms = turns.arrival_ms()
    const { deadline_ms, room } = read(headers, is_patient)
    assertRoom(room)
    return { arrived_ms, budget: createBudget({ arrived_ms, deadline_ms }), ticket: admission.open(), isWorking: false }
  }

  const hook =
    (is_patient: boolean): OnRequest =>
    (request, reply, done) => {
      try {
        const visit = open(request, is_patient)
        request.visit = visit
        reply.raw.once('close', () => {
          if (!is_patient && !reply.raw.writableFinished) visit.budget.giveUp()
          close(visit, metrics)
        })
        done()
      } catch (error) {
        done(error as Error)
      }
    }

  return {
    turns,
    guard(url, { is_patient } = { is_patient: false }) {
      guarded.set(url, is_patient)
      return hook(is_patient)
    },
    refusalOf(url, headers) {
      const is_patient = guarded.get(url)
      if (is_patient === undefined) return null
      try {
        return refusalFor(read(headers, is_patient).room)
      } catch {
        return null
      }
    },
    admit({ ticket, budget }, body) {
      const { decode_ms, candidates } = forecast(body)
      assertRoom({ own_ms: decode_ms, left_ms: budget.left_ms(), candidates, bytes: 0, ticket })
      ticket.holdCandidates(candidates)
      return { decode_ms }
    },
    decoded({ format, bytes }, { decode_ms, candidates }) {
      costs[format].decode_ms.seen(Math.max(bytes, DECODE_BYTES_MIN), decode_ms)
      costs[format].candidates.seen(bytes, candidates)
    },
    during(visit, work) {
      visit.isWorking = true
      const { ticket } = visit
      work.then(
        () => ticket.answered(),
        () => ticket.close(),
      )
      return visit.budget.within(work)
    },
  }
}

type Room = Omit<Ask, 'wait_ms' | 'oldest_ms'>

const createCosts = (): Costs => ({ decode_ms: createEstimate(), candidates: createEstimate() })

function announced(headers: IncomingHttpHeaders): BodySize {
  return { format: formatOf(headers['content-type'] ?? ''), bytes: Number(headers['content-length'] ?? 0) }
}

function close({ budget, ticket, isWorking }: Visit, metrics: Metrics) {
  budget.close()
  if (!isWorking) ticket.close()
  if (budget.signal.aborted) metrics.dropped.inc({ reason: budget.signal.reason.code, stage: budget.stage })
}
