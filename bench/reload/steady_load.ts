/** An open loop that runs until it is stopped: requests leave on schedule, latency counts from when each was due. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from './judge.ts'

/** Null, or what is wrong with the answer. */
export type Ask = (index: number, due_ms: number) => Promise<Verdict | null>

/** `failed`: no good answer. `verdict`: the answer is not, or not for sure, that of the bundle it names. */
export type Asked = { due_ms: number; latency_ms: number; failed: string | null; verdict: Verdict | null }

export type SteadyLoad = { asked: Asked[]; stop(): Promise<void> }

export function startSteadyLoad(ask: Ask, { rate_per_s }: { rate_per_s: number }): SteadyLoad {
  const asked: Asked[] = []
  const pending = new Set<Promise<void>>()
  let is_over = false
  const send = async (index: number, due_ms: number) => {
    const outcome = await ask(index, due_ms).then(
      (verdict) => ({ verdict, failed: null }),
      (error: Error) => ({ verdict: null, failed: error.message }),
    )
    asked.push({ due_ms, latency_ms: performance.now() - due_ms, ...outcome })
  }
  const run = async () => {
    const start_ms = performance.now()
    for (let index = 0; !is_over; index++) {
      const due_ms = start_ms + (index * 1000) / rate_per_s
      const wait_ms = due_ms - performance.now()
      if (wait_ms > 0.5) await sleep(wait_ms)
      const one: Promise<void> = send(index, due_ms).finally(() => pending.delete(one))
      pending.add(one)
    }
    await Promise.all(pending)
  }
  const running = run()
  return {
    asked,
    async stop() {
      is_over = true
      await running
    },
  }
}
