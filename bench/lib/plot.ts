/**
 * Line and bar charts as SVG, from numbers alone: the same report gives the same file. Log or linear axes; a legend that
 * wraps; values that an axis cannot show are refused.
 */
import { type Axis, formatTick, type Placed, placeAxis } from './plot_axis.ts'
import { COLOURS, document, element, escapeXml, FONT_PX, TITLE_PX, text, widthOf } from './plot_svg.ts'

export type Line = { name: string; points: { x: number; y: number }[]; dashed?: boolean }
/** Times, or whatever x is, that stand out: shaded from bottom to top, named when pointed at. */
export type Band = { name: string; from: number; to: number }
export type LineChart = { title: string; x: Axis; y: Axis; lines: Line[]; bands?: Band[] }

/** One group of bars per category, in each one bar per series; null leaves a gap. */
export type BarChart = {
  title: string
  categories: string[]
  y: Axis
  series: { name: string; values: (number | null)[] }[]
}

const WIDTH = 760
const PLOT_HEIGHT = 300
const LEFT = 76
const RIGHT = 24
const LEGEND_ROW = 20
const SWATCH = 22
const BOTTOM = 58
const DASHES = '6 4'

export function lineChart({ title, x, y, lines, bands = [] }: LineChart): string {
  const frame = frameOf({
    title,
    names: lines.map(({ name }) => name),
    dashed: lines.map((line) => line.dashed ?? false),
  })
  const points = lines.flatMap((line) => line.points)
  const across = placeAxis(
    points.map((point) => point.x),
    { scale: x.scale, from: LEFT, to: WIDTH - RIGHT },
  )
  const up = placeAxis(
    points.map((point) => point.y),
    { scale: y.scale, from: frame.bottom, to: frame.top },
  )
  const shaded = bands.map(({ name, from, to }) => {
    const [left, right] = [from, to].map((value) => Math.min(WIDTH - RIGHT, Math.max(LEFT, across.at(value))))
    const box = { x: left, y: frame.top, width: right - left, height: PLOT_HEIGHT }
    return element('rect', { class: 'band', ...box }, element('title', {}, escapeXml(name)))
  })
  const drawn = lines.flatMap(({ points: own, dashed }, index) => {
    const colour = index % COLOURS
    const path = own.map((point, i) => `${i ? 'L' : 'M'}${pixel(across.at(point.x))} ${pixel(up.at(point.y))}`).join('')
    const dots = own.map((point) =>
      element('circle', { class: `f${colour}`, cx: across.at(point.x), cy: up.at(point.y), r: 3 }),
    )
    return [
      element('path', { class: `line s${colour}`, d: path, 'stroke-dasharray': dashed ? DASHES : undefined }),
      ...dots,
    ]
  })
  const ticks = across.ticks.map((tick) =>
    text(formatTick(tick), { x: across.at(tick), y: frame.bottom + FONT_PX + 6, anchor: 'middle' }),
  )
  return finish(frame, { title, y, up, x_label: x.label, parts: [...shaded, ...ticks, ...drawn] })
}

export function barChart({ title, categories, y, series }: BarChart): string {
  const frame = frameOf({ title, names: series.map(({ name }) => name), dashed: [] })
  const values = series.flatMap((one) => one.values.filter((value) => value !== null))
  const up = placeAxis(values, { scale: y.scale, from: frame.bottom, to: frame.top })
  const group = (WIDTH - LEFT - RIGHT) / categories.length
  const width = (group * 0.76) / series.length
  const foot = up.at(y.scale === 'log' ? up.range.low : 0)
  const bars = series.flatMap((one, index) =>
    one.values.flatMap((value, category) => {
      if (value === null) return []
      const top = up.at(value)
      const left = LEFT + category * group + group * 0.12 + index * width
      const box = { x: left, y: Math.min(top, foot), width: width * 0.92, height: Math.abs(foot - top) }
      return [element('rect', { class: `f${index % COLOURS}`, ...box })]
    }),
  )
  const names = categories.map((category, i) =>
    text(category, { x: LEFT + (i + 0.5) * group, y: frame.bottom + FONT_PX + 6, anchor: 'middle' }),
  )
  return finish(frame, { title, y, up, x_label: '', parts: [...names, ...bars] })
}

type Frame = { top: number; bottom: number; legend: string[] }

function frameOf({ title, names, dashed }: { title: string; names: string[]; dashed: boolean[] }): Frame {
  if (names.length === 0) throw new Error(`“${title}”: nothing to draw`)
  const legend: string[] = []
  let [x, y] = [LEFT, 2 * TITLE_PX + LEGEND_ROW]
  for (const [index, name] of names.entries()) {
    const width = SWATCH + 6 + widthOf(name) + 18
    if (x > LEFT && x + width > WIDTH - RIGHT) [x, y] = [LEFT, y + LEGEND_ROW]
    const [from, to] = [`M${x} ${y - 4}`, `h${SWATCH}`]
    const dash = dashed[index] ? DASHES : undefined
    legend.push(element('path', { class: `line s${index % COLOURS}`, d: from + to, 'stroke-dasharray': dash }))
    legend.push(text(name, { x: x + SWATCH + 6, y }))
    x += width
  }
  const top = y + LEGEND_ROW
  return { top, bottom: top + PLOT_HEIGHT, legend }
}

type Body = { title: string; y: Axis; up: Placed; x_label: string; parts: string[] }

function finish({ top, bottom, legend }: Frame, { title, y, up, x_label, parts }: Body): string {
  const grid = up.ticks.flatMap((tick) => [
    element('path', { class: 'grid', d: `M${LEFT} ${pixel(up.at(tick))}H${WIDTH - RIGHT}` }),
    text(formatTick(tick), { x: LEFT - 8, y: up.at(tick) + FONT_PX / 3, anchor: 'end' }),
  ])
  const middle = (top + bottom) / 2
  const labels = [
    text(title, { x: LEFT, y: TITLE_PX + 10, class: 'title' }),
    text(y.label, { x: 0, y: 0, anchor: 'middle', transform: `translate(20 ${pixel(middle)}) rotate(-90)` }),
    ...(x_label
      ? [text(x_label, { x: (LEFT + WIDTH - RIGHT) / 2, y: bottom + 2 * FONT_PX + 16, anchor: 'middle' as const })]
      : []),
  ]
  return document([...grid, ...labels, ...legend, ...parts], { width: WIDTH, height: bottom + BOTTOM, title })
}

const pixel = (value: number) => Math.round(value * 100) / 100
