/** What both stores derive from the limits of writes. */
import { DAY_MS, dayOf } from '../day.ts'
import type { WriteLimits } from './store.ts'

/** The first day of live counts that is kept; today is the last. */
export function firstDay({ live_days }: WriteLimits, now_ms: number): number {
  return dayOf(now_ms) - (live_days - 1) * DAY_MS
}

/** Time after the last event when no live count is kept any more. */
export function liveTtl({ live_days }: WriteLimits): number {
  return live_days * DAY_MS
}
