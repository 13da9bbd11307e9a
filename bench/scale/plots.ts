import { lineChart } from '../lib/plot.ts'
import type { Plots } from '../plot/plot.ts'
import type { ScaleReport } from './scale.ts'

const TOP_K = 1000
const FEATURES = 5
const N = 100_000

export const plots: Plots<ScaleReport> = ({ kernel, growth, requests }) => {
  const byCandidates = kernel.filter(({ features, top_k }) => features === FEATURES && top_k === TOP_K)
  const unique = byCandidates.filter(
    (one, i) => byCandidates.findIndex((two) => two.candidates === one.candidates) === i,
  )
  const formats = Map.groupBy(requests.points, ({ format }) => format)
  const features = kernel.filter(({ candidates, top_k }) => candidates === N && top_k === TOP_K)
  const items = growth.filter(({ what }) => what === 'items')
  return {
    candidates: lineChart({
      title: 'Processor time of one request',
      x: { label: 'candidates', scale: 'log' },
      y: { label: 'CPU ms', scale: 'log' },
      lines: [
        ...[...formats].map(([format, points]) => ({
          name: `service, ${format.toUpperCase()}`,
          points: points.map((one) => ({ x: one.candidates, y: 1000 * one.cpu_s_per_request })),
        })),
        {
          name: 'kernel alone',
          dashed: true,
          points: unique.map((one) => ({ x: one.candidates, y: one.resolve.median + one.score.median })),
        },
      ],
    }),
    items: lineChart({
      title: 'Kernel, 100,000 candidates, int8 rows: the table grows',
      x: { label: 'items in the table', scale: 'log' },
      y: { label: 'CPU ms', scale: 'linear' },
      lines: [{ name: 'resolve and score', points: items.map((one) => ({ x: one.items, y: one.total.median })) }],
    }),
    features: lineChart({
      title: 'Kernel, 100,000 candidates: cross features, 16,000 items in each count blob',
      x: { label: 'cross features', scale: 'linear' },
      y: { label: 'CPU ms', scale: 'linear' },
      lines: [
        {
          name: 'score',
          points: features.map((one) => ({ x: one.features, y: one.score.median })).sort((a, b) => a.x - b.x),
        },
      ],
    }),
  }
}
