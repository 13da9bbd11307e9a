/**
 * The way of engagements: judge their times → plan one write per key → write → one outcome per event. Keys are written
 * independently; where one of them fails, the event may be sent again, and the others know its id.
 */
import { planWrites } from '../features/write_plan.ts'
import type { Serving } from '../prerank/serving.ts'
import { StoreError, type StoreErrorKind, type WriteLimits, type Written } from '../store/store.ts'
import type { Engagement, Outcome } from './engagement.ts'

export type EngagementLimits = WriteLimits & {
  /** How far the time of an event may lie behind the clock, and ahead of it. */
  age_ms_max: number
  ahead_ms_max: number
  deadline_ms: number
}

export type EngagementsAnswer = {
  /** One per event. */
  outcomes: Outcome[]
  /** Why writes failed, one line per reason, without user ids. */
  problems: string[]
  /** The same for machines: the first reason. */
  failure: StoreErrorKind | null
  /** Time of the newest event that was applied. */
  newest_ms: number | null
}

type EngageOptions = { limits: EngagementLimits; now_ms: number }

export async function engage(
  { store, bundle }: Pick<Serving, 'store' | 'bundle'>,
  events: readonly Engagement[],
  { limits, now_ms }: EngageOptions,
): Promise<EngagementsAnswer> {
  const outcomes = events.map((event) => judge(event, limits, now_ms))
  const timely = events.flatMap((event, index) => (outcomes[index] === 'ignored' ? [{ event, index }] : []))
  const writes = planWrites(
    bundle.manifest,
    timely.map(({ event }) => event),
  )
  const answers = await store.write(writes, { now_ms, deadline_ms: limits.deadline_ms, limits })
  const problems = new Set<string>()
  const failed = answers.find((answer) => answer instanceof StoreError)
  for (const [index, { engagements }] of writes.entries()) {
    const answer = answers[index]
    if (answer instanceof StoreError) problems.add(answer.message)
    for (const [at, planned] of engagements.entries()) {
      const event = timely[planned].index
      outcomes[event] = worse(outcomes[event], answer instanceof StoreError ? 'failed' : answer[at])
    }
  }
  return {
    outcomes,
    problems: [...problems],
    failure: failed?.kind ?? null,
    newest_ms: newestApplied(events, outcomes),
  }
}

/** `ignored` until a key is written for it. */
function judge({ time_ms }: Engagement, limits: EngagementLimits, now_ms: number): Outcome {
  if (time_ms < now_ms - limits.age_ms_max) return 'late'
  return time_ms > now_ms + limits.ahead_ms_max ? 'future' : 'ignored'
}

/** An event is a duplicate only where every key knew it, and applied only where no key failed. */
const RANK: Outcome[] = ['ignored', 'duplicate', 'applied', 'out_of_order', 'failed']

function worse(one: Outcome, other: Written | 'failed'): Outcome {
  return RANK.indexOf(other) > RANK.indexOf(one) ? other : one
}

function newestApplied(events: readonly Engagement[], outcomes: readonly Outcome[]): number | null {
  const times = events.flatMap(({ time_ms }, index) =>
    outcomes[index] === 'applied' || outcomes[index] === 'out_of_order' ? [time_ms] : [],
  )
  return times.length > 0 ? Math.max(...times) : null
}
