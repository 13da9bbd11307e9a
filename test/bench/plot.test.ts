import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barChart, type LineChart, lineChart } from '../../bench/lib/plot.ts'
import { formatTick, placeAxis } from '../../bench/lib/plot_axis.ts'
import { widthOf } from '../../bench/lib/plot_svg.ts'

type Element = { name: string; attributes: Record<string, string>; text: string }

/** Every element, in order; throws where tags do not close each other or a character is not escaped. */
function parse(svg: string): Element[] {
  const elements: Element[] = []
  const open: string[] = []
  for (const [, closing, name, attributes, self, text] of svg.matchAll(
    /<(\/?)(\w+)((?: [\w-]+="[^"<&]*")*)(\/?)>([^<]*)/g,
  )) {
    assert.ok(!/&(?!amp;|lt;|gt;|quot;)|>/.test(text), text)
    if (closing) assert.equal(open.pop(), name)
    else if (!self) open.push(name)
    const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])
    if (!closing) elements.push({ name, attributes: Object.fromEntries(pairs), text })
  }
  assert.deepEqual(open, [])
  const rest = svg.replaceAll(/<\/?\w+(?: [\w-]+="[^"<&]*")*\/?>/g, '')
  assert.ok(!rest.includes('<'), 'all tags were understood')
  return elements
}

type Box = { text: string; left: number; right: number; top: number; bottom: number }

function textBoxes(elements: Element[]): Box[] {
  return elements
    .filter(({ name, attributes }) => name === 'text' && !attributes.transform)
    .map(({ attributes, text }) => {
      const [x, y, width] = [Number(attributes.x), Number(attributes.y), widthOf(text)]
      const left = { start: x, middle: x - width / 2, end: x - width }[attributes['text-anchor'] ?? 'start'] ?? x
      return { text, left, right: left + width, top: y - 10, bottom: y + 3 }
    })
}

function assertReadable(svg: string): void {
  const elements = parse(svg)
  const [, , width, height] = elements[0].attributes.viewBox.split(' ').map(Number)
  const boxes = textBoxes(elements)
  for (const [i, one] of boxes.entries()) {
    assert.ok(
      one.left >= 0 && one.right <= width && one.top >= 0 && one.bottom <= height,
      `“${one.text}” leaves the picture`,
    )
    for (const other of boxes.slice(i + 1)) {
      const apart =
        one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top
      assert.ok(apart, `“${one.text}” is over “${other.text}”`)
    }
  }
  for (const { name, attributes } of elements) {
    if (name === 'circle') assertWithin(attributes.cx, attributes.cy, { width, height })
    if (name === 'rect') assert.ok(Number(attributes.height) >= 0 && Number(attributes.width) >= 0)
  }
}

function assertWithin(x: string, y: string, { width, height }: { width: number; height: number }): void {
  assert.ok(Number(x) >= 0 && Number(x) <= width && Number(y) >= 0 && Number(y) <= height, `${x}, ${y}`)
}

const lines: LineChart = {
  title: 'p50 & p99 < 10 ms',
  x: { label: 'candidates', scale: 'log' },
  y: { label: 'ms', scale: 'log' },
  lines: ['one connection, JSON', 'one connection, CBOR', 'kernel alone', 'the limit of the wire, JSON', 'another'].map(
    (name, i) => ({ name, points: [100, 1000, 10_000, 100_000].map((x) => ({ x, y: (i + 1) * x * 0.0003 })) }),
  ),
}

test('a line chart is well-formed, inside its picture, and no text lies over another', () => {
  assertReadable(lineChart(lines))
  for (const scale of ['log', 'linear'] as const) {
    assertReadable(lineChart({ ...lines, x: { label: 'x', scale }, y: { label: 'y', scale } }))
  }
  assertReadable(lineChart({ ...lines, lines: [{ name: 'one point', points: [{ x: 5, y: 7 }] }] }))
})

test('on a log axis equal factors are equal distances, on a linear one equal differences', () => {
  const log = placeAxis([1, 10, 100], { scale: 'log', from: 0, to: 200 })
  assert.deepEqual(
    [1, 10, 100].map((value) => Math.round(log.at(value))),
    [0, 100, 200],
  )
  const linear = placeAxis([25, 100], { scale: 'linear', from: 100, to: 0 })
  assert.deepEqual([0, 25, 100].map(linear.at), [100, 75, 0])
})

test('bands stand where the x axis says, as high as the plot', () => {
  const lines = [
    {
      name: 'a',
      points: [
        { x: 0, y: 1 },
        { x: 10, y: 2 },
      ],
    },
  ]
  const axes = { x: { label: 'x', scale: 'linear' as const }, y: { label: 'y', scale: 'linear' as const } }
  const elements = parse(lineChart({ title: 't', ...axes, lines, bands: [{ name: 'b < c', from: 2.5, to: 5 }] }))
  const { x, width } = elements.find(({ attributes }) => attributes.class === 'band')!.attributes
  const [left, right] = elements.filter(({ name }) => name === 'circle').map(({ attributes }) => Number(attributes.cx))
  assert.ok(Math.abs(Number(x) - (left + (right - left) / 4)) < 0.02)
  assert.ok(Math.abs(Number(width) - (right - left) / 4) < 0.02)
})

test('ticks are round numbers around all values', () => {
  const ticks = (values: number[], scale: 'log' | 'linear') => placeAxis(values, { scale, from: 0, to: 1 }).ticks
  assert.deepEqual(ticks([3, 870], 'linear'), [0, 200, 400, 600, 800, 1000])
  assert.deepEqual(ticks([0.3, 4], 'log'), [0.2, 0.5, 1, 2, 5])
  assert.deepEqual(ticks([100, 1e6], 'log'), [100, 1e3, 1e4, 1e5, 1e6])
  assert.deepEqual([0, 0.5, 1500, 2e6, 0.00002].map(formatTick), ['0', '0.5', '1.5k', '2M', '2e-5'])
})

test('bars stand on zero and are as high as their values; a missing value leaves a gap', () => {
  const series = [
    { name: 'ours', values: [100, 50, null] },
    { name: 'theirs', values: [25, null, 75] },
  ]
  const svg = barChart({
    title: 'req/s',
    categories: ['1k', '10k', '100k'],
    y: { label: 'req/s', scale: 'linear' },
    series,
  })
  assertReadable(svg)
  const bars = parse(svg).filter(({ name, attributes }) => name === 'rect' && attributes.class !== 'ground')
  const heights = bars.map(({ attributes }) => Number(attributes.height))
  assert.deepEqual(
    heights.map((height) => height / heights[0]),
    [1, 0.5, 0.25, 0.75],
  )
  const feet = bars.map(({ attributes }) => Number(attributes.y) + Number(attributes.height))
  assert.equal(new Set(feet).size, 1)
})

test('what an axis cannot show is refused', () => {
  const points = [{ x: 0, y: 1 }]
  assert.throws(() => lineChart({ ...lines, lines: [{ name: 'zero', points }] }), /a log axis cannot show 0/)
  assert.throws(() => lineChart({ ...lines, lines: [] }), /nothing to draw/)
})
