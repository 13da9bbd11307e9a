import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTinyService, type TinyService } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService()
})
after(() => service.stop())

const get = (path: string) => fetch(`${service.url}${path}`)

test('/healthz and /readyz say what they know', async () => {
  assert.deepEqual(await (await get('/healthz')).json(), { status: 'ok' })
  const ready = (await (await get('/readyz')).json()) as { status: string; store: { kind: string; ok: boolean } }
  assert.equal(ready.status, 'ready')
  assert.deepEqual([ready.store.kind, ready.store.ok], ['embedded', true])
})

test('/v1/models tells what the bundle understands', async () => {
  const { models } = (await (await get('/v1/models')).json()) as { models: Record<string, unknown>[] }
  const [model] = models
  const { name, version, fingerprint } = service.bundle.manifest
  assert.deepEqual([model.name, model.version, model.fingerprint], [name, version, fingerprint])
  assert.deepEqual(model.heads, { engagement: 1, save: 0.5, long_click: 0.5 })
  assert.deepEqual(model.caller_columns, ['bm25'])
  assert.deepEqual(model.items, { rows: 300, id_kind: 'u64', dtype: 'float32' })
})

test('/metrics counts requests, candidates, features and errors', async () => {
  await service.post({ query: { text: 'red shoes' }, user: { id: 'u1' }, candidates: [1, 8, 8, 5] })
  await service.post({ query: { text: 'red shoes' }, user: { id: 'nobody' }, candidates: [-1] })
  await service.post({ query: { text: 'never asked' }, user: { id: 'nobody' }, candidates: [1] })
  const text = await (await get('/metrics')).text()
  const value = (line: string) => Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
  assert.equal(value('prerank_candidates_total{outcome="scored"}'), 3)
  assert.equal(value('prerank_candidates_total{outcome="duplicate"}'), 1)
  assert.equal(value('prerank_candidates_total{outcome="unknown"}'), 1)
  assert.equal(value('prerank_feature_reads_total{feature="sequence",outcome="hit"}'), 1)
  assert.equal(value('prerank_feature_reads_total{feature="sequence",outcome="miss"}'), 1)
  assert.equal(value('prerank_feature_reads_total{feature="cross_counts",outcome="hit"}'), 1)
  assert.equal(value('prerank_http_requests_total{route="/v1/prerank",status="400",code="invalid_field"}'), 1)
  assert.equal(value('prerank_stage_duration_seconds_count{stage="kernel"}'), 2)
  assert.equal(value('prerank_tower_queue_depth'), 0)
  assert.match(text, /prerank_bundle_info\{name="tiny",version="1",fingerprint="[0-9a-f]{64}"\} 1/)
  assert.equal(
    value('prerank_reloads_total{outcome="rejected"}'),
    0,
    'there before the first one, for increase() to see it',
  )
  assert.match(text, /prerank_event_loop_delay_seconds\{quantile="0.99"\}/)
})
