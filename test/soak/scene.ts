/** What lanes and faults share: what is going on, and so what may come back. */

/** Codes and features that the fault under way explains. */
export type Explained = { codes: readonly string[]; degraded: boolean; engagements: readonly string[] }

export const NOTHING: Explained = { codes: [], degraded: false, engagements: [] }

export type Scene = {
  explained: Explained
  /** Versions that may answer a request sent now. */
  versions: string[]
  /** The store is losing what it was told. */
  losing: boolean
  /** No lane may post engagements; those under way end first. */
  hold_engagements: boolean
  engaging: number
  over: boolean
}

export function createScene(version: string): Scene {
  return { explained: NOTHING, versions: [version], losing: false, hold_engagements: false, engaging: 0, over: false }
}

/** What held when a request was sent, and when its answer came: either may explain it. */
export type Moment = Pick<Scene, 'explained' | 'versions' | 'losing'>

export function momentOf({ explained, versions, losing }: Scene): Moment {
  return { explained, versions, losing }
}

export function spanOf(sent: Moment, received: Moment): Moment {
  const both = <T>(one: readonly T[], other: readonly T[]) => [...new Set([...one, ...other])]
  return {
    explained: {
      codes: both(sent.explained.codes, received.explained.codes),
      engagements: both(sent.explained.engagements, received.explained.engagements),
      degraded: sent.explained.degraded || received.explained.degraded,
    },
    versions: both(sent.versions, received.versions),
    losing: sent.losing || received.losing,
  }
}
