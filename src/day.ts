/** Days in UTC, the unit of windows, of live counts and of builds. */
export const DAY_MS = 86_400_000

/** When the day began. */
export const dayOf = (time_ms: number): number => time_ms - (time_ms % DAY_MS)
