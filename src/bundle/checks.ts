/** What the schema cannot say: names that refer to each other, and sizes that have to agree. */
import { isAbsolute, normalize } from 'node:path'
import { isSegment } from '../features/context.ts'
import type { Manifest } from './manifest.ts'
import type { Problem } from './problems.ts'
import { towerProblems, unknownName } from './tower_checks.ts'

export function manifestProblems(manifest: Manifest): Problem[] {
  return [
    ...nameProblems(manifest),
    ...fileProblems(manifest),
    ...countProblems(manifest),
    ...crossProblems(manifest),
    ...itemProblems(manifest),
    ...fusionProblems(manifest),
    ...towerProblems(manifest),
  ]
}

function nameProblems(manifest: Manifest): Problem[] {
  const lists: Record<string, readonly { name: string }[]> = {
    heads: manifest.heads,
    'counts.columns': manifest.counts.columns,
    'items.scalars': manifest.items.scalars,
    cross_features: manifest.cross_features,
    caller_columns: manifest.caller_columns,
    'query_tower.inputs': manifest.query_tower.inputs,
    'item_tower.inputs': manifest.item_tower?.inputs ?? [],
  }
  const problems = Object.entries(lists).flatMap(([path, entries]) => {
    const repeated = entries.find(({ name }, index) => entries.findIndex((other) => other.name === name) < index)
    return repeated ? [{ path, found: `"${repeated.name}" twice`, expected: 'every name once' }] : []
  })
  if (manifest.heads.every((head) => head.default_weight === 0)) {
    problems.push({ path: 'heads', found: 'default weights of 0 only', expected: 'at least one above 0' })
  }
  return problems
}

function fileProblems({ files, query_tower, item_tower, golden }: Manifest): Problem[] {
  const named: Record<string, string | undefined> = {
    'query_tower.files.float32': query_tower.files.float32,
    'query_tower.files.int8': query_tower.files.int8,
    'item_tower.file': item_tower?.file,
    'golden.file': golden.file,
  }
  const problems = Object.entries(named).flatMap(([path, file]) =>
    file === undefined || Object.hasOwn(files, file) ? [] : [unknownName(path, file, Object.keys(files))],
  )
  for (const file of Object.keys(files)) {
    if (!isInside(file)) problems.push({ path: 'files', found: file, expected: 'paths inside the bundle' })
  }
  if (!query_tower.files[query_tower.precision]) {
    const expected = `a file in query_tower.files.${query_tower.precision}`
    problems.push({ path: 'query_tower.precision', found: query_tower.precision, expected })
  }
  if (query_tower.files.int8 && golden.tolerance.int8 === undefined) {
    problems.push({
      path: 'golden.tolerance.int8',
      found: 'nothing',
      expected: 'a tolerance, as there is an int8 tower',
    })
  }
  return problems
}

function isInside(file: string): boolean {
  return file !== '' && !isAbsolute(file) && !normalize(file).startsWith('..')
}

function countProblems({ counts, actions }: Manifest): Problem[] {
  const codes = Object.values(actions)
  return [
    ...counts.segments.flatMap((segment, index) =>
      isSegment(segment)
        ? []
        : [
            {
              path: `counts.segments[${index}]`,
              found: segment,
              expected: 'all, token or a field of the user context',
            },
          ],
    ),
    ...counts.columns.flatMap((column, index) =>
      Object.hasOwn(actions, column.action)
        ? []
        : [unknownName(`counts.columns[${index}].action`, column.action, Object.keys(actions))],
    ),
    ...(new Set(codes).size === codes.length
      ? []
      : [{ path: 'actions', found: 'one code for two actions', expected: 'a code per action' }]),
  ]
}

/** A column of a blob feeds one cross feature at most: that is how the kernel reads it. */
function crossProblems({ cross_features, counts }: Manifest): Problem[] {
  const columns = counts.columns.map((column) => column.name)
  const seen = new Set<string>()
  return cross_features.flatMap(({ segment, column }, index) => {
    const path = `cross_features[${index}]`
    const problems: Problem[] = []
    if (!counts.segments.includes(segment)) problems.push(unknownName(`${path}.segment`, segment, counts.segments))
    if (!columns.includes(column)) problems.push(unknownName(`${path}.column`, column, columns))
    if (seen.has(`${segment}/${column}`)) {
      problems.push({ path, found: `${column} of ${segment} again`, expected: 'every column of a segment once' })
    }
    seen.add(`${segment}/${column}`)
    return problems
  })
}

function itemProblems({ items, item_tower }: Manifest): Problem[] {
  const problems: Problem[] = items.scalars.flatMap(({ from }, index) =>
    from.startsWith('item.') ? [] : [{ path: `items.scalars[${index}].from`, found: from, expected: 'item.<column>' }],
  )
  const from = items.content?.from
  if (from === 'output' && item_tower && !item_tower.content_output) {
    const expected = 'the output that items.content comes from'
    problems.push({ path: 'item_tower.content_output', found: 'nothing', expected })
  }
  if (from !== undefined && from !== 'output' && !from.startsWith('item.')) {
    problems.push({ path: 'items.content.from', found: from, expected: 'output or item.<column>' })
  }
  return problems
}

/** 1 + F + S + U: the dot product, then the columns in feature order. */
function fusionWidth({ cross_features, items, caller_columns }: Manifest): number {
  return 1 + cross_features.length + items.scalars.length + caller_columns.length
}

function fusionProblems(manifest: Manifest): Problem[] {
  const { fusion } = manifest
  const width = fusionWidth(manifest)
  if (fusion.kind === 'linear') {
    if (fusion.weights.length === width) return []
    const expected = `${width}: dot, ${width - 1} cross features, item scalars and caller columns`
    return [{ path: 'fusion.weights', found: `${fusion.weights.length} weights`, expected }]
  }
  const problems: Problem[] = []
  let inputs = width
  for (const [index, { weights, bias }] of fusion.layers.entries()) {
    if (weights.length !== inputs * bias.length) {
      const expected = `${inputs * bias.length}: ${bias.length} outputs × ${inputs} inputs`
      problems.push({ path: `fusion.layers[${index}].weights`, found: `${weights.length} weights`, expected })
    }
    inputs = bias.length
  }
  if (inputs !== 1) {
    const path = `fusion.layers[${fusion.layers.length - 1}].bias`
    problems.push({ path, found: `${inputs} outputs`, expected: '1, the score' })
  }
  return problems
}
