/** What is known of a Redis: one breaker per node, and what went wrong last. */
import { type Breaker, createBreaker } from './breaker.ts'
import { clusterSlot } from './cluster_slot.ts'
import type { Loaded } from './loaded.ts'
import type { RedisClient } from './redis_client.ts'
import type { FeatureStore } from './store.ts'
import type { VersionPointer } from './version_pointer.ts'

const BREAKER = { failures_max: 10, cooldown_ms: 250 }

export type Health = {
  state(): ReturnType<FeatureStore['state']>
  breakerOf(full_key: string): Breaker
}

export type HealthOptions = { client: RedisClient; pointer: VersionPointer; loaded: Loaded }

export function createHealth({ client, pointer, loaded }: HealthOptions): Health {
  const breakers = new Map<string, Breaker>()
  let last_error: string | null = null
  client.on('error', (error: Error) => {
    last_error = error.message
  })
  client.on('close', () => {
    pointer.doubt()
    loaded.forget()
  })
  client.on('ready', () => {
    last_error = null
    void pointer.refresh()
  })
  return {
    state() {
      const silent = [...breakers].filter(([, breaker]) => breaker.open).map(([node]) => node)
      const ok = client.status === 'ready' && pointer.problem === null && silent.length === 0 && loaded.ok
      const silence = silent.length > 0 && `no answer from ${silent.join(', ')}`
      const problems = [last_error, silence, pointer.problem, !loaded.ok && loaded.problem]
      const detail = ok ? 'connected' : problems.filter(Boolean).join('; ') || client.status
      return { kind: 'redis', ok, detail, version: pointer.version ?? null }
    },
    breakerOf(full_key) {
      const node = 'slots' in client ? (client.slots[clusterSlot(full_key)]?.[0] ?? 'cluster') : 'server'
      const breaker = breakers.get(node) ?? createBreaker(BREAKER)
      breakers.set(node, breaker)
      return breaker
    },
  }
}
