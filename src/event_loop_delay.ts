/**
 * A gauge of how late the event loop was since the last scrape. Node samples it by a timer and records the whole interval
 * between two turns of it, so the timer's own period is taken off: without, an idle loop seems 10 ms late.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

const PERIOD_MS = 10
const QUANTILES = [0.5, 0.99]

export function eventLoopDelayGauge(options: { name: string; help: string; registers: Registry[] }): void {
  const intervals_ns = monitorEventLoopDelay({ resolution: PERIOD_MS })
  intervals_ns.enable()
  new Gauge({
    ...options,
    labelNames: ['quantile'],
    collect() {
      for (const quantile of QUANTILES) {
        const late_ms = intervals_ns.percentile(100 * quantile) / 1e6 - PERIOD_MS
        this.set({ quantile }, Math.max(0, late_ms) / 1000)
      }
      intervals_ns.reset()
    },
  })
}
