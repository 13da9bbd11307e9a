import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { eventLoopDelayGauge } from '../src/event_loop_delay.ts'

const NAME = 'delay_seconds'

function watch() {
  const registry = new Registry()
  eventLoopDelayGauge({ name: NAME, help: 'Test.', registers: [registry] })
  return async (quantile: string) => {
    const text = await registry.metrics()
    return Number(new RegExp(`^${NAME}\\{quantile="${quantile}"\\} (\\S+)$`, 'm').exec(text)?.[1])
  }
}

function block(ms: number) {
  const end_ms = performance.now() + ms
  while (performance.now() < end_ms);
}

test('an idle loop is not late by the period of the timer that watches it', async () => {
  const delay = watch()
  const medians: number[] = []
  // The best of some, on a machine that others keep busy.
  for (let scrape = 0; scrape < 5; scrape++) {
    await sleep(100)
    medians.push(await delay('0.5'))
  }
  assert.ok(Math.min(...medians) < 0.008, `${medians}`)
})

test('a blocked loop is late by as long as it was blocked, until the next scrape', async () => {
  const delay = watch()
  await sleep(50)
  block(200)
  await sleep(50)
  const blocked = await delay('0.99')
  assert.ok(blocked > 0.15, `${blocked}`)
  await sleep(100)
  assert.ok((await delay('0.99')) < blocked)
})
