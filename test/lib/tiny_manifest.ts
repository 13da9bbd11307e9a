/** The manifest of the tiny test bundle: every input source, cross features of three segments, a scalar, a caller column. */
import type { Manifest } from '../../src/bundle/manifest.ts'

export const TINY_DIMS = 8
export const TINY_CONTENT_DIMS = 4
const SEQUENCE = 10
const TOP = 3

const cross = (name: string, segment: string, column: string) => ({
  name,
  segment,
  column,
  prior: 10,
  transform: { kind: 'log1p' as const, scale: 1000, mean: 1.5, std: 2, missing: -0.25, clip: 5 },
})

/** `golden_error` is added to the golden scores: a bundle that must not be served. */
export type TinyOptions = {
  id_kind?: 'u64' | 'string'
  fusion?: 'linear' | 'mlp'
  version?: string
  golden_error?: number
  int8_scales?: 'batch' | 'row'
}

/** Without the file hashes and the fingerprint, which `writeTinyBundle` fills in. */
export function tinyManifest(options: TinyOptions = {}): Manifest {
  const { id_kind = 'u64', fusion = 'linear', version = '1', int8_scales } = options
  const input = (name: string, shape: number[], source: Manifest['query_tower']['inputs'][number]['source']) => ({
    name,
    dtype: /tokens|country|action/.test(name) ? ('int32' as const) : ('float32' as const),
    shape,
    source,
  })
  const tokens = { buckets: 64, word_ngrams: [1, 2], char_ngrams: [3] }
  const plain = { kind: 'identity' as const, scale: 0.1, mean: 0, std: 1, missing: 0 }
  return {
    format: 'prerank-bundle',
    format_version: 1,
    name: 'tiny',
    version,
    fingerprint: '0'.repeat(64),
    files: {},
    dims: TINY_DIMS,
    heads: [
      { name: 'engagement', default_weight: 1 },
      { name: 'save', default_weight: 0.5 },
      { name: 'long_click', default_weight: 0.5 },
    ],
    vocabularies: { country: ['DE', 'FR', 'US'] },
    actions: { click: 1, save: 2, long_click: 3 },
    query_tower: {
      files: { float32: 'query_tower.onnx', int8: 'query_tower.int8.onnx' },
      precision: 'float32',
      ...(int8_scales && { int8_scales }),
      inputs: [
        input('query_tokens', [8], { kind: 'text_ngrams', from: ['query.text'], ...tokens }),
        input('country', [1], { kind: 'vocabulary', from: 'user.country', vocabulary: 'country' }),
        input('sequence_mask', [SEQUENCE], { kind: 'sequence', column: 'mask' }),
        input('sequence_content', [SEQUENCE, TINY_CONTENT_DIMS], { kind: 'sequence', column: 'content' }),
        input('sequence_action', [SEQUENCE], { kind: 'sequence', column: 'action' }),
        input('sequence_age', [SEQUENCE], { kind: 'sequence', column: 'age_seconds' }),
        input('top_content', [TOP, TINY_CONTENT_DIMS], {
          kind: 'top_items',
          segment: 'all',
          column: 'click_90d',
          read: 'content',
        }),
        input('top_mask', [TOP], { kind: 'top_items', segment: 'all', column: 'click_90d', read: 'mask' }),
        input('profile', [2], {
          kind: 'numeric',
          from: ['user.features.age', 'query.features.length'],
          transforms: [plain, plain],
        }),
        input('embedding', [4], { kind: 'vector', from: 'query.embedding' }),
        input('has_embedding', [1], { kind: 'present', from: 'query.embedding' }),
      ],
      output: 'vectors',
    },
    item_tower: {
      file: 'item_tower.onnx',
      inputs: [
        input('title_tokens', [8], { kind: 'text_ngrams', from: ['item.title'], ...tokens }),
        input('numbers', [1], { kind: 'numeric', from: ['item.price'], transforms: [plain] }),
      ],
      output: 'vector',
      content_output: 'content',
    },
    items: {
      id_kind,
      dtype: 'float32',
      scalars: [
        {
          name: 'popularity',
          from: 'item.popularity',
          transform: { kind: 'log1p', scale: 1, mean: 0, std: 4, missing: 0 },
        },
      ],
      content: { dims: TINY_CONTENT_DIMS, from: 'output' },
    },
    sequence: { length: SEQUENCE },
    counts: {
      columns: [
        { name: 'click_90d', action: 'click', window_days: 90 },
        { name: 'save_1y', action: 'save', window_days: 365 },
      ],
      segments: ['all', 'country', 'token'],
    },
    cross_features: [
      cross('click', 'all', 'click_90d'),
      cross('save', 'all', 'save_1y'),
      cross('click_country', 'country', 'click_90d'),
      cross('click_token', 'token', 'click_90d'),
    ],
    caller_columns: [
      { name: 'bm25', transform: { kind: 'identity', scale: 0.1, mean: 0, std: 1, missing: -0.5, clip: 10 } },
    ],
    fusion: fusion === 'linear' ? LINEAR : MLP,
    golden: { file: 'golden.json', tolerance: { float32: 1e-5, int8: 0.05 } },
  }
}

const LINEAR: Manifest['fusion'] = { kind: 'linear', weights: [2, 0.6, 0.4, 0.3, 0.2, 0.15, 0.5], bias: 0.1 }

const wave = (length: number, step: number) => Array.from({ length }, (_, index) => Math.sin(step * (index + 1)))
const MLP: Manifest['fusion'] = {
  kind: 'mlp',
  layers: [
    { weights: wave(5 * 7, 0.7), bias: wave(5, 1.3) },
    { weights: wave(5, 2.1), bias: [0.2] },
  ],
}
