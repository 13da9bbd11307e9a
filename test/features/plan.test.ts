import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPlanner } from '../../src/features/plan.ts'
import type { PrerankRequest } from '../../src/prerank/request.ts'
import { tinyManifest } from '../lib/tiny_manifest.ts'

const manifest = tinyManifest()

function plan(request: Partial<PrerankRequest>, changed = manifest) {
  return readPlanner(changed)({ query: { text: 'Red  Shoes red' }, candidates: { ids: [] }, ...request })
}

test('everything that query and user need is one read', () => {
  const { read, features } = plan({ user: { id: 'u17', country: 'DE' } })
  assert.deepEqual(read, {
    sequence: 'seq:{u17}',
    values: [
      'iqp:all:{red shoes red}',
      'iqp:country=DE:{red shoes red}',
      'iqp:token:{red}',
      'iqp:token:{shoes}',
      'qemb:{red shoes red}',
    ],
    live: [
      'iqp-live:all:{red shoes red}',
      'iqp-live:country=DE:{red shoes red}',
      'iqp-live:token:{red}',
      'iqp-live:token:{shoes}',
    ],
  })
  assert.deepEqual(features, ['sequence', 'cross_counts', 'query_embedding'])
})

test('every blob knows the cross features that its columns feed', () => {
  const { blobs } = plan({ user: { country: 'DE' } })
  assert.deepEqual(
    blobs.map(({ value, segment, features }) => [value, segment, ...features]),
    [
      [0, 'all', 0, 1],
      [1, 'country', 2, -1],
      [2, 'token', 3, -1],
      [3, 'token', 3, -1],
    ],
  )
})

test('what the request brings is not read', () => {
  const embedding = new Float32Array(4)
  const {
    read,
    features,
    embedding: value,
  } = plan({ query: { text: 'a', embedding }, user: { id: 'u', sequence: [] } })
  assert.equal(read.sequence, null)
  assert.deepEqual(read.values, ['iqp:all:{a}', 'iqp:token:{a}'])
  assert.deepEqual(features, ['cross_counts'])
  assert.equal(value, null)
})

test('a user without a field has no blob in its segment', () => {
  assert.ok(plan({ user: { gender: 'f' } }).blobs.every(({ segment }) => segment !== 'country'))
  assert.equal(plan({}).read.sequence, null)
})

test('what the bundle does not use is not read', () => {
  const inputs = manifest.query_tower.inputs.filter(({ source }) => source.kind === 'text_ngrams')
  const bare = { ...manifest, cross_features: [], query_tower: { ...manifest.query_tower, inputs } }
  assert.deepEqual(plan({ user: { id: 'u', country: 'DE' } }, bare), {
    read: { sequence: null, values: [], live: [] },
    blobs: [],
    embedding: null,
    features: [],
  })
})

test('a segment that only top items read is planned without feeding a cross feature', () => {
  const cross_features = manifest.cross_features.filter(({ segment }) => segment === 'country')
  const { blobs } = plan({}, { ...manifest, cross_features })
  assert.deepEqual(
    blobs.map(({ segment, features }) => [segment, ...features]),
    [['all', -1, -1]],
  )
})
