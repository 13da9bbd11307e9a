/** A manifest in words. */
import type { Manifest, TowerInput } from '../../bundle/manifest.ts'
import { formatTable } from '../run/format.ts'
import { indent } from './values.ts'

export function describeManifest(manifest: Manifest): string {
  const { query_tower, item_tower, counts, fusion, heads } = manifest
  const rows = [
    ['bundle', `${manifest.name} ${manifest.version} (${manifest.fingerprint.slice(0, 16)}…)`],
    ['heads', heads.map(({ name, default_weight }) => `${name} ${default_weight}`).join(', ')],
    ['dims', String(manifest.dims)],
    ['query tower', `${Object.keys(query_tower.files).join(', ')}; served: ${query_tower.precision}`],
    ['item tower', item_tower?.file ?? 'none'],
    ['counts', `${counts.columns.map(({ name }) => name).join(', ')} by ${counts.segments.join(', ')}`],
    ['cross features', manifest.cross_features.map(({ name }) => name).join(', ') || 'none'],
    ['scalars', manifest.items.scalars.map(({ name }) => name).join(', ') || 'none'],
    ['caller columns', manifest.caller_columns.map(({ name }) => name).join(', ') || 'none'],
    [
      'fusion',
      fusion.kind === 'linear' ? 'linear' : `mlp, ${fusion.layers.map(({ bias }) => bias.length).join(' → ')}`,
    ],
  ]
  const inputs = (tower: string, all: readonly TowerInput[]) =>
    `${tower} inputs\n${indent(formatTable(all.map(describeInput)))}`
  return [
    manifest.description ?? '',
    indent(formatTable(rows)),
    inputs('query tower', query_tower.inputs),
    ...(item_tower ? [inputs('item tower', item_tower.inputs)] : []),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function describeInput({ name, dtype, shape, source }: TowerInput): string[] {
  const from = 'from' in source ? [source.from].flat().join(', ') : ''
  const detail = source.kind === 'sequence' ? source.column : source.kind === 'constant' ? String(source.value) : from
  return [name, `${dtype}[${shape}]`, source.kind, detail]
}
