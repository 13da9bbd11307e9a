import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForecast } from '../../src/prerank/forecast.ts'

test('small requests do not make a large one give up its features', () => {
  for (const candidates of [[1], [1, 5, 40], [200]]) {
    const forecast = createForecast()
    for (let request = 0; request < 60; request++) {
      const asked = candidates[request % candidates.length]
      forecast.seen('tower', asked, 3 + (request % 2))
      forecast.seen('kernel', asked, 0.15 + 0.05 * (request % 3))
      forecast.seen('encode', asked, 0.05)
    }
    assert.ok(
      forecast.rest_ms(20_000, 200) < 100,
      `after ${candidates} candidates: ${forecast.rest_ms(20_000, 200)} ms`,
    )
  }
})

test('what large requests took is kept for the next one', () => {
  const forecast = createForecast()
  for (const candidates of [1_000, 50_000, 100_000]) forecast.seen('kernel', candidates, candidates / 10_000)
  const kept_ms = forecast.rest_ms(100_000, 200)
  assert.ok(kept_ms > 10 && kept_ms < 40, `${kept_ms} ms`)
})
