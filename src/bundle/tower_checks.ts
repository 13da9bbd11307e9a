/** Cross-checks of tower inputs: sources, paths, shapes and what they refer to. */
import { contextFields } from '../features/context.ts'
import type { Manifest, Source, TowerInput } from './manifest.ts'
import type { Problem } from './problems.ts'

type Shape = { dtype: TowerInput['dtype']; shape: (number | 'n')[] }

export function towerProblems(manifest: Manifest): Problem[] {
  const { query_tower, item_tower } = manifest
  return [
    ...inputsProblems(manifest, { inputs: query_tower.inputs, at: 'query_tower.inputs', tower: 'query' }),
    ...inputsProblems(manifest, { inputs: item_tower?.inputs ?? [], at: 'item_tower.inputs', tower: 'item' }),
    ...topItemsProblems(manifest),
  ]
}

type Inputs = { inputs: readonly TowerInput[]; at: string; tower: 'query' | 'item' }

function inputsProblems(manifest: Manifest, { inputs, at, tower }: Inputs): Problem[] {
  return inputs.flatMap((input, index) => {
    const path = `${at}[${index}]`
    return [
      ...shapeProblems(manifest, input, path),
      ...referenceProblems(manifest, input.source, `${path}.source`),
      ...(tower === 'query'
        ? pathProblems(input.source, path, queryPath)
        : [...pathProblems(input.source, path, itemPath), ...itemSourceProblems(input.source, path)]),
    ]
  })
}

function shapeProblems(manifest: Manifest, input: TowerInput, path: string): Problem[] {
  if (input.source.kind === 'constant') return []
  const expected = expectedShape(manifest, input.source)
  const same = (size: number | 'n', index: number) => size === 'n' || size === input.shape[index]
  const fits = input.shape.length === expected.shape.length && expected.shape.every(same)
  if (fits && input.dtype === expected.dtype) return []
  return [
    {
      path,
      found: `${input.dtype}[${input.shape}] from ${input.source.kind}`,
      expected: `${expected.dtype}[${expected.shape}]`,
    },
  ]
}

function expectedShape({ sequence, items }: Manifest, source: Exclude<Source, { kind: 'constant' }>): Shape {
  const length = sequence?.length ?? 0
  const content_dims = items.content?.dims ?? 0
  switch (source.kind) {
    case 'text_ngrams':
      return { dtype: 'int32', shape: ['n'] }
    case 'vocabulary':
      return { dtype: 'int32', shape: [1] }
    case 'numeric':
      return { dtype: 'float32', shape: [source.from.length] }
    case 'vector':
      return { dtype: 'float32', shape: ['n'] }
    case 'present':
      return { dtype: 'float32', shape: [1] }
    case 'sequence':
      if (source.column === 'content') return { dtype: 'float32', shape: [length, content_dims] }
      return { dtype: source.column === 'action' ? 'int32' : 'float32', shape: [length] }
    case 'top_items':
      return { dtype: 'float32', shape: source.read === 'content' ? ['n', content_dims] : ['n'] }
  }
}

function referenceProblems(manifest: Manifest, source: Source, path: string): Problem[] {
  if (source.kind === 'vocabulary' && !Object.hasOwn(manifest.vocabularies, source.vocabulary)) {
    return [unknownName(`${path}.vocabulary`, source.vocabulary, Object.keys(manifest.vocabularies))]
  }
  if (source.kind === 'numeric' && source.transforms.length !== source.from.length) {
    const found = `${source.transforms.length} transforms`
    return [{ path: `${path}.transforms`, found, expected: `${source.from.length}, one per path` }]
  }
  if (source.kind === 'sequence' && !manifest.sequence) {
    return [{ path: 'sequence', found: 'nothing', expected: `the length of the sequence that ${path} reads` }]
  }
  const reads_content =
    (source.kind === 'sequence' && source.column === 'content') ||
    (source.kind === 'top_items' && source.read === 'content')
  if (reads_content && !manifest.items.content) {
    return [{ path: 'items.content', found: 'nothing', expected: `the content embedding that ${path} reads` }]
  }
  return []
}

/** Top items come from one blob, and all inputs on one column of a segment read the same ones. */
function topItemsProblems({ query_tower, counts }: Manifest): Problem[] {
  const segments = counts.segments.filter((segment) => segment !== 'token')
  const columns = counts.columns.map((column) => column.name)
  const lengths = new Map<string, number>()
  return query_tower.inputs.flatMap(({ source, shape }, index) => {
    if (source.kind !== 'top_items') return []
    const path = `query_tower.inputs[${index}]`
    const problems: Problem[] = []
    if (!segments.includes(source.segment))
      problems.push(unknownName(`${path}.source.segment`, source.segment, segments))
    if (!columns.includes(source.column)) problems.push(unknownName(`${path}.source.column`, source.column, columns))
    const key = `${source.segment}/${source.column}`
    const length = lengths.get(key) ?? shape[0]
    lengths.set(key, length)
    if (length !== shape[0]) {
      problems.push({
        path: `${path}.shape[0]`,
        found: `${shape[0]} items`,
        expected: `${length} as in the inputs before it`,
      })
    }
    return problems
  })
}

function itemSourceProblems(source: Source, path: string): Problem[] {
  if (source.kind !== 'sequence' && source.kind !== 'top_items') return []
  return [{ path: `${path}.source.kind`, found: source.kind, expected: 'a source that one item has' }]
}

type PathRule = (path: string, kind: Source['kind']) => string | null

function pathProblems(source: Source, path: string, rule: PathRule): Problem[] {
  if (!('from' in source)) return []
  return [source.from].flat().flatMap((from) => {
    const expected = rule(from, source.kind)
    return expected === null ? [] : [{ path: `${path}.source.from`, found: from, expected }]
  })
}

/** What is wrong with a path of the query tower: text can be read as text only, an embedding as a vector only. */
function queryPath(path: string, kind: Source['kind']): string | null {
  const feature = /^(query|user)\.features\.[^.]+$/.test(path)
  const text = path === 'query.text' || contextFields.some((field) => path === `user.${field}`)
  if (!feature && !text && path !== 'query.embedding') {
    return `query.text, query.embedding, query.features.<name>, user.features.<name> or user.${contextFields.join('|')}`
  }
  if (kind === 'present' || feature) return null
  const wants_text = kind === 'text_ngrams' || kind === 'vocabulary'
  if (wants_text) return text ? null : 'a text'
  if (kind === 'vector') return text ? 'a vector' : null
  return 'a number, query.features.<name> or user.features.<name>'
}

function itemPath(path: string): string | null {
  return path.startsWith('item.') ? null : 'item.<column>'
}

export function unknownName(path: string, name: string, known: readonly string[]): Problem {
  return { path, found: name, expected: known.length > 0 ? `one of ${known.join(', ')}` : 'none: there are none' }
}
