/** A body becomes engagements. One wrong event refuses the batch, before anything is written. */
import { Compile } from 'typebox/compile'
import type { Manifest } from '../bundle/manifest.ts'
import { invalidField, ServiceError } from '../errors.ts'
import { xxh64 } from '../features/hash.ts'
import { assertId, parseKey } from '../prerank/decode_candidates.ts'
import { isObject } from '../prerank/decode_features.ts'
import { schemaError } from '../prerank/schema_error.ts'
import { type CheckedEngagements, checkedEngagementsSchema, type EventLimits } from './body.ts'
import type { Engagement } from './engagement.ts'

export type DecodedEngagements = { request_id?: string; events: Engagement[] }
export type DecodeEngagements = (body: unknown, manifest: Manifest) => DecodedEngagements

/** Compiles the schema once; the function that comes back throws ServiceErrors of the 4xx kind only. */
export function createDecodeEngagements(limits: EventLimits): DecodeEngagements {
  const schema = checkedEngagementsSchema(limits)
  const frame = Compile(schema)
  return (body, manifest) => {
    assertCount(body, limits)
    if (!frame.Check(body)) throw schemaError(schema, frame.Errors(body), body)
    const events = body.events.map((event, index) => decodeEvent(event, `events[${index}]`, manifest))
    return { request_id: body.request_id, events }
  }
}

/** Before the schema looks at every event. */
function assertCount(body: unknown, { engagements_max }: EventLimits): void {
  const events = isObject(body) ? body.events : undefined
  if (!Array.isArray(events) || events.length <= engagements_max) return
  throw new ServiceError('too_many_events', {
    field: 'events',
    found: `${events.length} events`,
    expected: `at most ${engagements_max}`,
  })
}

function decodeEvent(event: CheckedEngagements['events'][number], field: string, manifest: Manifest): Engagement {
  const { id, item, action, time, user, query } = event
  if (user?.id === undefined && query === undefined) {
    throw new ServiceError('missing_field', { field: `${field}.user.id`, expected: 'user.id, query or both' })
  }
  const code = Object.hasOwn(manifest.actions, action) ? manifest.actions[action] : undefined
  if (code === undefined) {
    throw invalidField(`${field}.action`, action, `one of ${Object.keys(manifest.actions).join(', ')}`)
  }
  return { id, key: keyOf(item, `${field}.item`, manifest), action: code, time_ms: time, user, query }
}

function keyOf(item: unknown, field: string, { items }: Manifest): bigint {
  if (items.id_kind === 'u64') return parseKey(item, field)
  assertId(item, field, items.id_kind)
  return xxh64(item as string)
}
