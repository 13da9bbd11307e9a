/** Repeated timings of several ways to do one thing. */

export type Spread = { median: number; low: number; high: number }

/** `low` and `high` are the quartiles. */
export function spreadOf(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

export type Ways<Name extends string> = Record<Name, (round: number) => unknown>

/** A clock in milliseconds. */
export type Clock = () => number

export const wallClock: Clock = () => performance.now()

/**
 * Milliseconds of every way, taken in turn so that whatever else the machine does meets all of them; `before` runs ahead
 * of each, untimed; two rounds to warm up come first.
 */
export async function timeInTurn<Name extends string>(
  ways: Ways<Name>,
  { rounds, before, clock }: { rounds: number; before: () => void; clock: Clock },
): Promise<Record<Name, Spread>> {
  const names = Object.keys(ways) as Name[]
  const times = names.map((): number[] => [])
  for (let round = -2; round < rounds; round++) {
    for (const [index, name] of names.entries()) {
      before()
      const start_ms = clock()
      await ways[name](round + 2)
      if (round >= 0) times[index].push(clock() - start_ms)
    }
  }
  return Object.fromEntries(names.map((name, index) => [name, spreadOf(times[index])])) as Record<Name, Spread>
}
