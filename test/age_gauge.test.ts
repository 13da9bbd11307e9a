import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { ageGauge } from '../src/age_gauge.ts'

test('an age is that of the newest moment at the time of the scrape, and absent before there is one', async () => {
  const registry = new Registry()
  let now_ms = 100_000
  const gauge = ageGauge({ name: 'age', help: 'Age.', registers: [registry] }, () => now_ms)
  const scraped = async () => /^age (\S+)$/m.exec(await registry.metrics())?.[1]
  assert.equal(await scraped(), undefined)
  gauge.seen(90_000)
  gauge.seen(80_000)
  assert.equal(await scraped(), '10')
  now_ms = 130_000
  assert.equal(await scraped(), '40')
  gauge.seen(140_000)
  assert.equal(await scraped(), '0', 'a clock ahead of ours')
})
