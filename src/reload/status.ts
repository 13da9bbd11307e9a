/** What operators see of bundles and reloads. */

/** Why a bundle was opened. */
export const TRIGGERS = ['admin', 'rollback', 'signal', 'pointer'] as const
export type Trigger = (typeof TRIGGERS)[number]

export const RELOAD_OUTCOMES = ['swapped', 'rejected'] as const
export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number]

export type BundleName = { name: string; version: string; fingerprint: string; directory: string }

export type ReloadReport = {
  trigger: Trigger
  outcome: ReloadOutcome
  /** Where it was found; null where it was not. */
  directory: string | null
  /** Why it was rejected. */
  reason: string | null
  /** Milliseconds since 1970. */
  started_ms: number
  duration_ms: number
}

export type BundlesStatus = {
  serving: (BundleName & { since_ms: number }) | null
  /** What a rollback opens again. */
  previous: BundleName | null
  is_reloading: boolean
  last_reload: ReloadReport | null
}
