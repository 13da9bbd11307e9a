/** The evaluation as an SVG: one panel per metric, one bar with its interval per system. */
import type { EvalResult } from './eval.ts'
import type { Interval } from './interval.ts'
import { METRICS, type Metric } from './metrics.ts'

const PANEL = { width: 400, label: 170, bar: 22, top: 34, gap: 18 }
const COLUMNS = 2
const TEXT = 'font-family="system-ui, sans-serif" font-size="12" fill="#24292f"'

type Bar = { title: string; interval: Interval }

export function plotSvg(result: EvalResult): string {
  const systems = Object.values(result.systems)
  const height = PANEL.top + systems.length * PANEL.bar + PANEL.gap
  const rows = Math.ceil(METRICS.length / COLUMNS)
  const heading = `${result.bundle.name} ${result.bundle.version}: ${result.requests} held-out requests, mean and 95 % interval`
  const panels = METRICS.map((metric, at) => {
    const x = (at % COLUMNS) * PANEL.width
    const y = 30 + Math.floor(at / COLUMNS) * height
    const bars = systems.map((system) => ({ title: system.title, interval: system[metric] }))
    return `<g transform="translate(${x} ${y})">${panel(metric, bars)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${COLUMNS * PANEL.width}" height="${30 + rows * height}">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="20" ${TEXT} font-weight="600">${escapeText(heading)}</text>
${panels.join('\n')}
</svg>
`
}

function panel(metric: Metric, bars: Bar[]): string {
  const space = PANEL.width - PANEL.label - 60
  const highest = Math.max(...bars.map(({ interval }) => (Number.isFinite(interval.high) ? interval.high : 0)), 1e-9)
  const x = (value: number) => round(PANEL.label + (space * value) / highest)
  const rows = bars.map(({ title, interval }, at) => {
    const y = PANEL.top + at * PANEL.bar
    const label = `<text x="${PANEL.label - 8}" y="${y + 13}" text-anchor="end" ${TEXT}>${escapeText(title)}</text>`
    return Number.isFinite(interval.mean) ? label + mark(interval, { x, y, last: at === bars.length - 1 }) : label
  })
  return `<text x="${PANEL.label}" y="22" ${TEXT} font-weight="600">${metric}</text>${rows.join('')}`
}

type Place = { x: (value: number) => number; y: number; last: boolean }

function mark({ mean, low, high }: Interval, { x, y, last }: Place): string {
  const color = last ? '#0969da' : '#8c959f'
  return [
    `<rect x="${x(0)}" y="${y + 2}" width="${round(x(mean) - x(0))}" height="14" fill="${color}"/>`,
    `<path d="M${x(low)} ${y + 9}H${x(high)}M${x(low)} ${y + 5}v8M${x(high)} ${y + 5}v8" stroke="#24292f" fill="none"/>`,
    `<text x="${round(x(high) + 6)}" y="${y + 13}" ${TEXT}>${mean.toFixed(3)}</text>`,
  ].join('')
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
