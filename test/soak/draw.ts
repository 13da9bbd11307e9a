/** Requests and events of a lane, drawn with its seed. */
import type { Catalogue } from '../../bench/service/workload.ts'
import type { Random } from '../lib/random.ts'
import type { Universe } from './universe.ts'

export type RequestBody = {
  query: { text: string }
  user?: Record<string, unknown>
  candidates: number[]
  candidate_features?: Record<string, number[]>
  top_k: number
  head_weights?: Record<string, number>
}
export type EventBody = Record<string, unknown> & { id: string; user: { id: string }; query?: { text: string } }

/** Share of requests up to each size; most are of a thousand candidates. */
const SIZES: [share: number, candidates: number][] = [
  [0.06, 1],
  [0.14, 100],
  [0.9, 1000],
  [0.97, 10_000],
  [0.99, 30_000],
  [1, 100_000],
]
const HOUR_MS = 3_600_000
const COUNTRIES = ['US', 'DE', 'GB', 'IN', 'FR', 'BR', 'XX']
const ACTIONS = ['click', 'long_click', 'save', 'short_click']

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random.uniform() * values.length)]

export type Drawer = {
  request(user?: Record<string, unknown>): RequestBody
  /** Of one user; event times lie hours back, so that a second more or less changes no score. */
  events(): EventBody[]
}

export function createDrawer(
  random: Random,
  { catalogue, universe }: { catalogue: Catalogue; universe: Universe },
): Drawer {
  const ids = Array.from(catalogue.keys, Number)
  const clocks = new Map<string, number>()
  let events = 0

  /** Some are unknown to the table, some are there twice. */
  function candidate(): number {
    return random.uniform() < 0.02 ? 1 + Math.floor(random.uniform() * 1e6) : pick(random, ids)
  }

  function context() {
    return random.uniform() < 0.7 ? { country: pick(random, COUNTRIES), gender: pick(random, ['f', 'm', 'x']) } : {}
  }

  function someone(): Record<string, unknown> | undefined {
    if (random.uniform() < 0.1) return undefined
    return { id: pick(random, random.uniform() < 0.5 ? universe.stored_users : universe.own_users), ...context() }
  }

  /** Mostly newer than the user's last, now and then older. */
  function timeOf(user: string): number {
    const last = clocks.get(user) ?? Date.now() - 3 * HOUR_MS
    if (random.uniform() < 0.1) return last - Math.floor(random.uniform() * HOUR_MS)
    clocks.set(user, last + 1 + Math.floor(random.uniform() * 500))
    return clocks.get(user)!
  }

  return {
    request(user = someone()) {
      const luck = random.uniform()
      const count = SIZES.find(([share]) => luck < share)![1]
      const candidates = Array.from({ length: count }, candidate)
      const weights = { engagement: random.uniform() + 0.1, save: random.uniform() }
      const columns = catalogue.caller_columns.map((name) => [
        name,
        candidates.map(() => Math.floor(random.uniform() * 30)),
      ])
      return {
        query: { text: pick(random, universe.queries) },
        user,
        candidates,
        candidate_features: random.uniform() < 0.8 ? Object.fromEntries(columns) : undefined,
        top_k: 1 + Math.floor(random.uniform() * Math.min(1000, 2 * count)),
        head_weights: random.uniform() < 0.3 ? weights : undefined,
      }
    },
    events() {
      const id = pick(random, universe.own_users)
      const user = { id, ...context() }
      return Array.from({ length: 1 + Math.floor(random.uniform() * 5) }, () => ({
        id: `${id}-${events++}`,
        time: timeOf(id),
        action: pick(random, ACTIONS),
        item: pick(random, ids),
        user,
        query: random.uniform() < 0.8 ? { text: pick(random, universe.queries) } : undefined,
      }))
    },
  }
}
