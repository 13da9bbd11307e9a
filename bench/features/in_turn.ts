/** Ways to do one thing, in turn: time from start to end, and processor time of the thread that does it. */
import { type Spread, spreadOf } from '../lib/statistics.ts'

/** A sample takes at least this long: the clock of a thread's processor time ticks in milliseconds. */
const SAMPLE_MS = 25

/** One request; the number says which. */
export type Way = (index: number) => unknown

export type Cost = { wall_us: Spread; cpu_us: Spread }

export async function costInTurn<Name extends string>(
  ways: Record<Name, Way>,
  { rounds, requests }: { rounds: number; requests: number },
): Promise<Record<Name, Cost>> {
  const names = Object.keys(ways) as Name[]
  const samples = names.map(() => ({ wall: [] as number[], cpu: [] as number[], repeats: 1 }))
  for (let round = -2; round < rounds; round++) {
    for (const [place, name] of names.entries()) {
      const sample = samples[place]
      const cpu_before = process.threadCpuUsage()
      const start_ms = performance.now()
      for (let repeat = 0; repeat < sample.repeats; repeat++) await eachRequest(ways[name], requests)
      const elapsed_ms = performance.now() - start_ms
      const cpu = process.threadCpuUsage(cpu_before)
      const done = requests * sample.repeats
      if (round >= 0) {
        sample.wall.push((1000 * elapsed_ms) / done)
        sample.cpu.push((cpu.user + cpu.system) / done)
      } else {
        sample.repeats = Math.ceil((SAMPLE_MS * sample.repeats) / elapsed_ms)
      }
    }
  }
  const costs = names.map((name, place): [Name, Cost] => [
    name,
    { wall_us: spreadOf(samples[place].wall), cpu_us: spreadOf(samples[place].cpu) },
  ])
  return Object.fromEntries(costs) as Record<Name, Cost>
}

async function eachRequest(way: Way, requests: number): Promise<void> {
  for (let index = 0; index < requests; index++) {
    const result = way(index)
    if (result instanceof Promise) await result
  }
}
