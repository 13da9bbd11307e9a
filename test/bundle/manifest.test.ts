import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BundleError } from '../../src/bundle/problems.ts'
import { fingerprintOf, parseManifest } from '../../src/bundle/read_manifest.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const ZEROS = '0'.repeat(64)
const FILES = ['query_tower.onnx', 'query_tower.int8.onnx', 'item_tower.onnx', 'golden.json']

/** Dotted path → what stands there instead; undefined takes the field away. */
type Changes = Record<string, unknown>

function changed(changes: Changes): unknown {
  const files = Object.fromEntries(FILES.map((file) => [file, 'a'.repeat(64)]))
  const manifest = structuredClone({ ...tinyManifest(), files }) as Record<string, unknown>
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split('/')
    const last = steps.pop()!
    const parent = steps.reduce((at, step) => at[step] as Record<string, unknown>, manifest)
    if (value === undefined) delete parent[last]
    else parent[last] = value
  }
  return manifest
}

function sign(manifest: unknown): Buffer {
  const unsigned = JSON.stringify(manifest)
  return Buffer.from(unsigned.replace(ZEROS, fingerprintOf(Buffer.from(unsigned), ZEROS)))
}

function problemsOf(changes: Changes): string[] {
  try {
    parseManifest(sign(changed(changes)), 'manifest.json')
  } catch (error) {
    assert.ok(error instanceof BundleError, `${error}`)
    return error.problems.map(({ path, found, expected }) => `${path}: ${found} → ${expected}`)
  }
  return []
}

test('a valid manifest is read, linear or with an MLP', () => {
  assert.deepEqual(problemsOf({}), [])
  assert.deepEqual(problemsOf({ fusion: tinyManifest({ fusion: 'mlp' }).fusion }), [])
})

test('every violation of the schema is listed, with path, found and expected', () => {
  assert.deepEqual(
    problemsOf({
      dims: 0,
      name: 'a b',
      extra: 1,
      version: undefined,
      heads: [],
      'vocabularies/no name': ['x'],
      'query_tower/precision': 'int4',
      'query_tower/inputs/0/source/buckets': '64',
      'query_tower/inputs/1/source': { kind: 'guess' },
      'cross_features/0/transform/std': 0,
      'fusion/weights': [1, null],
    }),
    [
      'version: nothing → a text that matches ^[A-Za-z0-9_.-]{1,64}$',
      'name: the string "a b" → a text that matches ^[A-Za-z0-9_.-]{1,64}$',
      'dims: 0 → an integer from 1 up to 1024',
      'heads: an array of 0 → an array of 1 to 16 elements',
      'vocabularies: the name "no name" → names like ^[A-Za-z0-9_.-]{1,64}$',
      'query_tower.precision: the string "int4" → "float32" or "int8"',
      'query_tower.inputs[0].source.buckets: the string "64" → an integer from 2 up to 16777216',
      'query_tower.inputs[1].source.kind: the string "guess" → one of text_ngrams, vocabulary, numeric, vector, present, sequence, top_items, constant',
      'cross_features[0].transform.std: 0 → a number above 0',
      'fusion.weights[1]: null → a number',
      `extra: 1 → only the fields ${Object.keys(changed({}) as object)
        .toSpliced(5, 0, 'description')
        .join(', ')}`,
    ],
  )
})

test('anything but an object is refused as a whole', () => {
  for (const value of [[], null, 7, 'text']) {
    assert.throws(
      () => parseManifest(Buffer.from(JSON.stringify(value)), 'manifest.json'),
      /1 problem\n {2}: found .* expected an object/,
    )
  }
  assert.throws(() => parseManifest(Buffer.from('{"a"'), 'x/manifest.json'), /x\/manifest.json: not JSON/)
})

test('names have to exist where they point to', () => {
  assert.deepEqual(
    problemsOf({
      'cross_features/0/column': 'click_1d',
      'cross_features/1/segment': 'gender',
      'counts/columns/0/action': 'view',
      'query_tower/inputs/1/source/vocabulary': 'land',
      'query_tower/inputs/6/source/column': 'click_1d',
      'query_tower/inputs/7/source/segment': 'token',
    }),
    [
      'counts.columns[0].action: view → one of click, save, long_click',
      'cross_features[0].column: click_1d → one of click_90d, save_1y',
      'cross_features[1].segment: gender → one of all, country, token',
      'query_tower.inputs[1].source.vocabulary: land → one of country',
      'query_tower.inputs[6].source.column: click_1d → one of click_90d, save_1y',
      'query_tower.inputs[7].source.segment: token → one of all, country',
    ],
  )
})

test('names are given once, segments are known, and weights are not all zero', () => {
  const { heads, cross_features } = tinyManifest()
  assert.deepEqual(
    problemsOf({
      heads: heads.map((head) => ({ ...head, name: 'same', default_weight: 0 })),
      'cross_features/1': { ...cross_features[0], name: 'again' },
      'counts/segments': ['all', 'country', 'token', 'weather'],
      'actions/save': 1,
    }),
    [
      'heads: "same" twice → every name once',
      'heads: default weights of 0 only → at least one above 0',
      'counts.segments[3]: weather → all, token or a field of the user context',
      'actions: one code for two actions → a code per action',
      'cross_features[1]: click_90d of all again → every column of a segment once',
    ],
  )
})

test('the fusion is as wide as dot, cross features, scalars and caller columns', () => {
  assert.deepEqual(problemsOf({ 'fusion/weights': [1, 2] }), [
    'fusion.weights: 2 weights → 7: dot, 6 cross features, item scalars and caller columns',
  ])
  const layers = [
    { weights: Array(7 * 3).fill(1), bias: [0, 0, 0] },
    { weights: Array(5).fill(1), bias: [0, 0] },
  ]
  assert.deepEqual(problemsOf({ fusion: { kind: 'mlp', layers } }), [
    'fusion.layers[1].weights: 5 weights → 6: 2 outputs × 3 inputs',
    'fusion.layers[1].bias: 2 outputs → 1, the score',
  ])
})

test('tower inputs have the shapes that their sources fill', () => {
  assert.deepEqual(
    problemsOf({
      'query_tower/inputs/0/dtype': 'float32',
      'query_tower/inputs/1/shape': [2],
      'query_tower/inputs/2/shape': [11],
      'query_tower/inputs/3/shape': [10, 5],
      'query_tower/inputs/7/shape': [4],
      'query_tower/inputs/8/source/transforms': [],
    }),
    [
      'query_tower.inputs[0]: float32[8] from text_ngrams → int32[n]',
      'query_tower.inputs[1]: int32[2] from vocabulary → int32[1]',
      'query_tower.inputs[2]: float32[11] from sequence → float32[10]',
      'query_tower.inputs[3]: float32[10,5] from sequence → float32[10,4]',
      'query_tower.inputs[8].source.transforms: 0 transforms → 2, one per path',
      'query_tower.inputs[7].shape[0]: 4 items → 3 as in the inputs before it',
    ],
  )
})

test('a path must give what its source reads, from the side its tower knows', () => {
  assert.deepEqual(
    problemsOf({
      'query_tower/inputs/0/source/from': ['query.embedding'],
      'query_tower/inputs/1/source/from': 'item.country',
      'query_tower/inputs/8/source/from': ['user.features.age', 'user.country'],
      'query_tower/inputs/9/source/from': 'query.text',
      'item_tower/inputs/0/source/from': ['query.text'],
      'items/scalars/0/from': 'user.features.age',
    }),
    [
      'items.scalars[0].from: user.features.age → item.<column>',
      'query_tower.inputs[0].source.from: query.embedding → a text',
      'query_tower.inputs[1].source.from: item.country → query.text, query.embedding, query.features.<name>, user.features.<name> or user.country|gender|device|language',
      'query_tower.inputs[8].source.from: user.country → a number, query.features.<name> or user.features.<name>',
      'query_tower.inputs[9].source.from: query.text → a vector',
      'item_tower.inputs[0].source.from: query.text → item.<column>',
    ],
  )
})

test('a source needs the parts of the manifest that it reads from', () => {
  const problems = problemsOf({ sequence: undefined, 'items/content': undefined })
  assert.ok(problems.includes('sequence: nothing → the length of the sequence that query_tower.inputs[2].source reads'))
  assert.ok(problems.includes('items.content: nothing → the content embedding that query_tower.inputs[6].source reads'))
  assert.deepEqual(problemsOf({ 'item_tower/content_output': undefined }), [
    'item_tower.content_output: nothing → the output that items.content comes from',
  ])
  const sequence = { name: 's', dtype: 'float32', shape: [10], source: { kind: 'sequence', column: 'mask' } }
  assert.deepEqual(problemsOf({ 'item_tower/inputs/2': sequence }), [
    'item_tower.inputs[2].source.kind: sequence → a source that one item has',
  ])
})

test('model files are listed with their hashes and stay inside the bundle', () => {
  assert.deepEqual(
    problemsOf({
      'files/golden.json': undefined,
      'query_tower/files': { float32: '../q.onnx' },
      'query_tower/precision': 'int8',
    }).map((problem) => problem.replace(/ → .*/, '')),
    ['query_tower.files.float32: ../q.onnx', 'golden.file: golden.json', 'query_tower.precision: int8'],
  )
  const outside = { ...Object.fromEntries(FILES.map((file) => [file, 'a'.repeat(64)])), '../q.onnx': 'b'.repeat(64) }
  assert.deepEqual(problemsOf({ files: outside }), ['files: ../q.onnx → paths inside the bundle'])
})

test('a manifest that was changed no longer carries its fingerprint', () => {
  const signed = sign(changed({}))
  assert.equal(parseManifest(signed, 'm').name, 'tiny')
  const edited = Buffer.from(signed.toString().replace('"bias":0.1', '"bias":0.2'))
  assert.throws(
    () => parseManifest(edited, 'm'),
    /fingerprint: found [0-9a-f]{64}, expected [0-9a-f]{64}, that of this file/,
  )
})
