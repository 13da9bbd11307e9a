/** Transforms of numeric tower inputs (docs/formats.md §4). The kernel has its own for what the fusion reads. */
import type { Transform } from '../bundle/manifest.ts'

export function applyTransform(transform: Transform, x: number | undefined): number {
  if (x === undefined || Number.isNaN(x)) return transform.missing
  const scaled = transform.scale * x
  const t = transform.kind === 'log1p' ? Math.log1p(Math.max(scaled, 0)) : scaled
  const y = (t - transform.mean) / transform.std
  if (Number.isNaN(y)) return transform.missing
  return transform.clip === undefined ? y : Math.min(Math.max(y, -transform.clip), transform.clip)
}
