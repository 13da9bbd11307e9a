/** Inputs of requests, seeded, through the service's own assembler: full sequences, the costliest case. */
import type { Manifest } from '../../src/bundle/manifest.ts'
import { compileInputs, type InputScope, type TowerFeed } from '../../src/tower/inputs.ts'
import { createRandom, type Random } from '../../test/lib/random.ts'

const WORDS =
  'red blue warm light summer winter leather cotton running walking shoes dress jacket bag lamp chair'.split(' ')

/** One feed of one row per request. */
export function drawFeeds(manifest: Manifest, { count, seed }: { count: number; seed: number }): TowerFeed[] {
  const random = createRandom(seed)
  const assembler = compileInputs(manifest.query_tower.inputs, manifest.vocabularies)
  return Array.from({ length: count }, () => {
    const feed = assembler.create(1)
    assembler.fill(feed, 0, drawScope(manifest, random))
    return feed
  })
}

function drawScope(manifest: Manifest, random: Random): InputScope {
  const { sequence, items, vocabularies, actions, query_tower } = manifest
  const dims = items.content?.dims ?? 0
  const length = sequence?.length ?? 0
  const codes = Object.values(actions)
  const lengths = new Map(
    query_tower.inputs.flatMap(({ source, shape }): [string, number][] =>
      source.kind === 'vector'
        ? [[source.from, shape[0]]]
        : source.kind === 'top_items'
          ? [[source.column, shape[0]]]
          : [],
    ),
  )
  const normal = (size: number) => Float32Array.from({ length: size }, () => random.normal() / Math.sqrt(dims || 1))
  const pick = <T>(values: readonly T[]) => values[random.integer(values.length)]
  return {
    value(path) {
      const width = lengths.get(path)
      if (width !== undefined) return normal(width)
      if (path === 'query.text') return Array.from({ length: 3 }, () => pick(WORDS)).join(' ')
      return path.includes('.features.') ? random.normal() : pick(vocabularies[path.slice('user.'.length)] ?? ['x'])
    },
    events: {
      length,
      content: normal(length * dims),
      actions: Array.from({ length }, () => pick(codes)),
      ages_seconds: Array.from({ length }, () => 10 ** (1 + 6 * random.uniform())),
    },
    topItems(_segment, column) {
      const n = lengths.get(column) ?? 0
      return {
        length: n,
        content: () => normal(n * dims),
        shares: Float32Array.from({ length: n }, () => random.uniform()),
      }
    },
  }
}
