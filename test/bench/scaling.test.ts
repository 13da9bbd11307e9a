import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Constants } from '../../bench/scale/constants.ts'
import { ASSUMED, extrapolate, fill, forecastStore, sections } from '../../bench/scale/extrapolate.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const constants: Constants = {
  cpu_s_fixed: 0.001,
  cpu_s_per_candidate: 50e-9,
  cpu_growth_with_items: 1.2,
  items_max: 2e7,
  table_bytes_per_item: { float32: 300, float16: 200, int8: 100 },
  process_bytes: 2e8,
  request_bytes_fixed: 200,
  request_bytes_per_candidate: 12,
  response_bytes: 12_000,
  redis_bytes_per_key: 1000,
  redis_bytes_per_request: 5000,
}

test('a forecast follows its formulas', () => {
  const one = extrapolate(constants, 10_000)
  const cpu_s = 0.001 + 1.2 * 50e-9 * 10_000
  assert.ok(Math.abs(one.cpu_cores - (ASSUMED.requests_per_s * cpu_s) / ASSUMED.utilisation) < 1e-6)
  assert.equal(one.machines, Math.ceil(one.cpu_cores / ASSUMED.cores_per_machine))
  assert.equal(one.table_bytes, 100 * ASSUMED.items)
  assert.equal(one.network_in_bits_per_s, 8 * ASSUMED.requests_per_s * (200 + 12 * 10_000))
  assert.equal(one.redis_bits_per_s, 8 * ASSUMED.requests_per_s * 5000)
})

test('Redis needs nodes for its size or for its bandwidth, whichever is more, and replicas', () => {
  const bytes = (ASSUMED.users + ASSUMED.queries * ASSUMED.blobs_per_query) * 1000
  const { nodes_by_size, nodes_by_bandwidth, nodes, ...store } = forecastStore(constants)
  assert.equal(store.bytes, bytes)
  assert.equal(nodes_by_size, Math.ceil(bytes / ASSUMED.redis_node_bytes))
  assert.equal(nodes, 2 * Math.max(nodes_by_size, nodes_by_bandwidth))
})

test('docs/scaling.md has the tables that the stored report gives', (t) => {
  const report = new URL('../../bench/results/scale.json', import.meta.url)
  if (!existsSync(report)) return t.skip('bench/results/scale.json: bench -- scale --save')
  const document = read('docs/scaling.md')
  assert.equal(fill(document, sections(JSON.parse(readFileSync(report, 'utf8')))), document)
})

test('a section of the document is replaced, and one that is missing is an error', () => {
  const document = 'a\n<!-- x -->\nold\n<!-- /x -->\nb'
  assert.equal(fill(document, { x: 'new' }), 'a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb')
  assert.throws(() => fill(document, { y: 'new' }), /found no <!-- y -->/)
})
