/** The kernel benchmark's numbers as tables, and the few that others compare. */
import { formatTable } from '../lib/table.ts'
import type { Growth } from './growth.ts'
import type { Row } from './measure.ts'

/** 100k candidates, float32, MLP: resolve, dot, 5 cross features, layers, best 1000, one thread. */
export type Summary = {
  total_ms: number
  /** Of resolve and gather: index and whole rows, which a kernel would read that knew nothing better. */
  floor_ms: number
  ratio_to_floor: number
  /** Index and sketches. */
  touched_floor_ms: number
  total_by_rows_ms: number
  speedup_over_onnxruntime: number
}

export function summarise(rows: Row[]): Summary {
  const row = rows.find((one) => one.dtype === 'float32' && one.candidates === 100_000 && one.fusion === 'mlp16')
  if (!row?.onnxruntime) throw new Error('the benchmark has no row of 100k float32 candidates')
  const floor_ms = row.floor_resolve.median + row.floor_gather.median
  return {
    total_ms: row.total.median,
    floor_ms,
    ratio_to_floor: row.total.median / floor_ms,
    touched_floor_ms: row.floor_resolve.median + row.floor_sift.median,
    total_by_rows_ms: row.total_by_rows.median,
    speedup_over_onnxruntime: row.onnxruntime.median / row.total.median,
  }
}

/** Nanoseconds per candidate, and the whole in milliseconds with its quartiles. */
export function describeRows(rows: Row[]): string {
  const head = ['dtype', 'N', 'fusion', 'resolve', 'gather+dot', 'top-k', 'join', 'layers', 'total ns']
  head.push(
    'floor ns',
    'touched ns',
    'total ms',
    'quartiles',
    '× floor',
    'by rows ms',
    'onnxruntime ms',
    'JavaScript ms',
  )
  const body = rows.map((row) => {
    const ns = (ms: number) => ((ms * 1e6) / row.candidates).toFixed(1)
    const floor_ms = row.floor_resolve.median + row.floor_gather.median
    return [
      ...[row.dtype, row.candidates.toLocaleString('en-US'), row.fusion],
      ...[row.resolve.median, row.gather_dot.median, row.top_k_ms, row.join_ms, row.layers_ms].map(ns),
      ...[ns(row.total.median), ns(floor_ms), ns(row.floor_resolve.median + row.floor_sift.median)],
      row.total.median.toFixed(2),
      `${row.total.low.toFixed(2)}–${row.total.high.toFixed(2)}`,
      (row.total.median / floor_ms).toFixed(2),
      ...[row.total_by_rows, row.onnxruntime, row.javascript].map((one) => one?.median.toFixed(2) ?? ''),
    ]
  })
  return formatTable(head, body)
}

export function describeGrowth(growth: Growth[]): string {
  const body = growth.map(({ what, dtype, items, threads, candidates, total, open_ms }) => [
    ...[what, dtype, items.toLocaleString('en-US'), String(threads), candidates.toLocaleString('en-US')],
    ...[total.median.toFixed(2), open_ms?.toFixed(2) ?? ''],
  ])
  return formatTable(['grows with', 'dtype', 'items', 'threads', 'N', 'total ms', 'open ms'], body)
}
