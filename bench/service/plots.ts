import { lineChart } from '../lib/plot.ts'
import type { Plots } from '../plot/plot.ts'
import type { ServiceReport } from './service.ts'

export const plots: Plots<ServiceReport> = ({ rows }) => {
  const [{ variant }] = rows
  const served = rows.filter((row) => JSON.stringify(row.variant) === JSON.stringify(variant))
  const formats = [...Map.groupBy(served, ({ format }) => format)]
  return {
    latency: lineChart({
      title: 'Latency: one connection, and open loop at 80 % of saturation',
      x: { label: 'candidates', scale: 'log' },
      y: { label: 'ms', scale: 'log' },
      lines: formats.flatMap(([format, own]) => [
        {
          name: `${format.toUpperCase()} p50, one connection`,
          points: own.map((row) => ({ x: row.candidates, y: row.closed[0].summary.p50_ms })),
        },
        {
          name: `${format.toUpperCase()} p99 at 80 %`,
          dashed: true,
          points: own.flatMap((row) =>
            row.open.filter(({ share }) => share === 0.8).map((one) => ({ x: row.candidates, y: one.summary.p99_ms })),
          ),
        },
      ]),
    }),
    throughput: lineChart({
      title: 'Requests per second at saturation',
      x: { label: 'candidates', scale: 'log' },
      y: { label: 'requests per second', scale: 'log' },
      lines: formats.map(([format, own]) => ({
        name: format.toUpperCase(),
        points: own.map((row) => ({ x: row.candidates, y: row.saturation_per_s })),
      })),
    }),
  }
}
