/**
 * What each lane may ask and change. A lane is the only writer of its users and of every query and token it names, so
 * what it has been told is all there is, and the very next answer has one right value.
 */
import type { Catalogue } from '../../bench/service/workload.ts'
import { countTokens } from '../../src/features/counts.ts'

export type Universe = { queries: string[]; stored_users: string[]; own_users: string[] }

const QUERIES_PER_LANE = 12
const OWN_USERS = 6

export function divide({ queries, users }: Catalogue, { lanes, seed }: { lanes: number; seed: number }): Universe[] {
  const owners = new Map<string, number>()
  const universes = Array.from(
    { length: lanes },
    (_, lane): Universe => ({
      queries: [],
      stored_users: users.filter((_user, index) => index % lanes === lane),
      own_users: Array.from({ length: OWN_USERS }, (_user, index) => `soak-${seed}-${lane}-${index}`),
    }),
  )
  for (let round = 0; round < QUERIES_PER_LANE; round++) {
    for (const [lane, universe] of universes.entries()) {
      const free = (query: string) =>
        !universe.queries.includes(query) && countTokens(query).every((token) => (owners.get(token) ?? lane) === lane)
      const query = queries.find(free)
      if (query === undefined) continue
      universe.queries.push(query)
      for (const token of countTokens(query)) owners.set(token, lane)
    }
  }
  const empty = universes.findIndex((universe) => universe.queries.length === 0)
  if (empty >= 0) throw new Error(`lane ${empty} has no queries of its own: ${lanes} lanes are too many`)
  return universes
}
