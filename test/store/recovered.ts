import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeatureStore, StoreRead } from '../../src/store/store.ts'

/** Waits until the store answers everything again, without a restart. */
export async function recovered(store: FeatureStore, request: StoreRead): Promise<void> {
  const until_ms = performance.now() + 10_000
  while (performance.now() < until_ms) {
    const answer = await store.read(request, 50).catch(() => null)
    if (answer?.problems.length === 0 && store.state().ok) return
    await sleep(20)
  }
  assert.fail(`not back after 10 s: ${JSON.stringify(store.state())}`)
}
