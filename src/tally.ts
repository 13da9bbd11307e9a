/**
 * Counters and histograms that every request touches two dozen times: numbers in place, which a scrape reads. Those of
 * prom-client check and hash their labels each time, which was a thirtieth of a small request; they still write the exposition.
 */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client'

type Labels<L extends string> = Readonly<Record<L, string | number>>
type Options<L extends string> = { name: string; help: string; labelNames?: readonly L[]; registers: Registry[] }

export type CountTally<L extends string = never> = { inc(labels: Labels<L>, by?: number): void }

export function countTally<const L extends string = never>(options: Options<L>): CountTally<L> {
  const counts = createSeries(options.labelNames, (labels: Labels<L>) => ({ labels, count: 0 }))
  new Counter({
    ...options,
    collect() {
      this.reset()
      for (const { labels, count } of counts.all()) this.inc(labels, count)
    },
  })
  return {
    inc(labels, by = 1) {
      counts.of(labels).count += by
    },
  }
}

export type LevelTally = { inc(): void; dec(): void }

export function levelTally(options: Options<never>): LevelTally {
  let level = 0
  new Gauge({
    ...options,
    collect() {
      this.set(level)
    },
  })
  return {
    inc() {
      level++
    },
    dec() {
      level--
    },
  }
}

export type HistogramTally<L extends string = never> = { observe(labels: Labels<L>, value: number): void }

/** `buckets` are their upper bounds, ascending. */
export function histogramTally<const L extends string = never>(
  options: Options<L> & { buckets: readonly number[] },
): HistogramTally<L> {
  const { name, help, labelNames, registers, buckets } = options
  const series = createSeries(labelNames, (labels: Labels<L>) => ({
    labels,
    counts: new Float64Array(buckets.length + 1),
    sum: 0,
  }))
  if (!labelNames) series.of({} as Labels<L>)

  const valuesOf = ({ labels, counts, sum }: ReturnType<typeof series.of>) => {
    const below = [...counts]
    for (let at = 1; at < below.length; at++) below[at] += below[at - 1]
    const count = below[buckets.length]
    return [
      ...below.map((value, at) => ({
        metricName: `${name}_bucket`,
        labels: { le: buckets[at] ?? '+Inf', ...labels },
        value,
      })),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
  // All that a registry asks of a metric.
  const metric = {
    name,
    get: async () => ({
      name,
      help,
      type: 'histogram',
      values: [...series.all()].flatMap(valuesOf),
      aggregator: 'sum',
    }),
  }
  for (const registry of registers) registry.registerMetric(metric as unknown as Metric)
  return {
    observe(labels, value) {
      const one = series.of(labels)
      let at = 0
      while (at < buckets.length && value > buckets[at]) at++
      one.counts[at]++
      one.sum += value
    },
  }
}

/** One state per combination of label values, made when it first occurs. */
function createSeries<L extends string, State>(names: readonly L[] = [], create: (labels: Labels<L>) => State) {
  const states = new Map<string, State>()
  return {
    of(labels: Labels<L>): State {
      let key = ''
      for (const name of names) key += `${labels[name]}\n`
      const known = states.get(key)
      if (known !== undefined) return known
      const state = create(labels)
      states.set(key, state)
      return state
    },
    all: () => states.values(),
  }
}
