/** Where values lie on an axis of a chart, and which of them get a tick. */

export type Axis = { label: string; scale: 'linear' | 'log' }
export type Range = { low: number; high: number }
export type Placed = { range: Range; ticks: number[]; at: (value: number) => number }

/** `from` and `to` are the pixels of the range's ends; both ends of the range are ticks of a linear axis. */
export function placeAxis(
  values: number[],
  { scale, from, to }: { scale: Axis['scale']; from: number; to: number },
): Placed {
  if (values.length === 0) throw new Error('a chart needs at least one value')
  const wrong = values.find((value) => !Number.isFinite(value) || (scale === 'log' && value <= 0))
  if (wrong !== undefined) throw new Error(`a ${scale} axis cannot show ${wrong}`)
  const { range, ticks } = scale === 'log' ? logTicks(values) : linearTicks(values)
  const place = scale === 'log' ? Math.log : (value: number) => value
  const [low, high] = [place(range.low), place(range.high)]
  return { range, ticks, at: (value) => from + ((place(value) - low) / (high - low)) * (to - from) }
}

/** Zero is always part of a linear axis: a bar or line that starts elsewhere exaggerates. */
function linearTicks(values: number[]): { range: Range; ticks: number[] } {
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)]
  const step = niceStep((most - least || 1) / 5)
  const [first, last] = [Math.floor(least / step), Math.max(1, Math.ceil(most / step))]
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
  return { range: { low: first * step, high: last * step }, ticks }
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(at_least: number): number {
  const power = 10 ** Math.floor(Math.log10(at_least))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= at_least * (1 - 1e-9)) ?? 10)
}

/** Decades; where there are few of them, 2 and 5 times each as well. */
function logTicks(values: number[]): { range: Range; ticks: number[] } {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const decades = Math.log10(high / low)
  const factors = decades > 3 ? [1] : [1, 2, 5]
  const steps: number[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) steps.push(Number((factor * 10 ** power).toPrecision(1)))
  }
  const first = steps.findLastIndex((step) => step <= low * (1 + 1e-9))
  const last = steps.findIndex((step) => step >= high * (1 - 1e-9))
  const ticks = steps.slice(first, Math.max(last, first + 1) + 1)
  return { range: { low: ticks[0], high: ticks[ticks.length - 1] }, ticks }
}

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 })

export function formatTick(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(0)
  return compact.format(value).replace('K', 'k')
}
