/** A gauge of how long ago the newest of some moments was, computed at every scrape; without a value until there is one. */
import { Gauge, type Registry } from 'prom-client'

export type AgeGauge = { seen(time_ms: number): void }

export function ageGauge(options: { name: string; help: string; registers: Registry[] }, now = Date.now): AgeGauge {
  let newest_ms = Number.NEGATIVE_INFINITY
  new Gauge({
    ...options,
    collect() {
      this.reset()
      if (Number.isFinite(newest_ms)) this.set(Math.max(0, now() - newest_ms) / 1000)
      else this.remove()
    },
  })
  return {
    seen(time_ms) {
      newest_ms = Math.max(newest_ms, time_ms)
    },
  }
}
