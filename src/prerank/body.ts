/**
 * The body of a prerank request as callers write it: the schema behind validation and documentation. Shapes: N candidates.
 *
 * Per-candidate data is a hundred thousand elements, so the validator leaves it to one tight pass (decode_candidates.ts):
 * `bodySchema` takes the schemas of those parts, documented ones for OpenAPI and unknown ones for the check.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { TOWER_NUMBER_MAX } from '../features/tower_number.ts'

export type BodyLimits = { candidates_max: number; explain_max: number }

const closed = { additionalProperties: false }
export const ID_LENGTH_MAX = 512
export const DEADLINE_MS_MAX = 60_000
/** Visible ASCII, so that it can stand in a header and in a log line. */
export const REQUEST_ID_PATTERN = '^[\\x21-\\x7e]{1,128}$'

export const Id = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ minLength: 1, maxLength: ID_LENGTH_MAX }),
])
export const TowerNumber = Type.Number({ minimum: -TOWER_NUMBER_MAX, maximum: TOWER_NUMBER_MAX })
export const Text = (maxLength: number, description: string) => Type.String({ maxLength, description })

/** Schemas of what `decode` checks by hand. */
type DataSchemas = {
  item: TSchema
  ids: TSchema
  explain: TSchema
  columns: TSchema
  vector: TSchema
  features: TSchema
}

const unchecked: DataSchemas = {
  item: Type.Unknown(),
  ids: Type.Unknown(),
  explain: Type.Optional(Type.Unknown()),
  columns: Type.Optional(Type.Unknown()),
  vector: Type.Optional(Type.Unknown()),
  features: Type.Optional(Type.Unknown()),
}

function documented(limits: BodyLimits): DataSchemas {
  const ids = (maxItems: number) =>
    Type.Array(Id, {
      minItems: 1,
      maxItems,
      description:
        'Item ids: integers (or decimal text), or texts, as the bundle has them. In CBOR also a typed array of keys.',
    })
  return {
    item: Id,
    ids: ids(limits.candidates_max),
    explain: Type.Optional(
      Type.Union(
        [
          Type.Boolean(),
          Type.Object(
            { ids: Type.Optional(ids(limits.explain_max)), survivors: Type.Optional(Type.Boolean({ default: false })) },
            closed,
          ),
        ],
        { description: '`true` explains every kept candidate; `ids` explains the named ones, kept or not.' },
      ),
    ),
    columns: Type.Optional(
      Type.Record(Type.String(), Type.Array(Type.Union([Type.Number(), Type.Null()])), {
        description: 'Columns that the bundle declares, one number per candidate; null is missing.',
      }),
    ),
    vector: Type.Optional(Type.Array(TowerNumber, { description: 'In CBOR also a typed array.' })),
    features: Type.Optional(
      Type.Record(Type.String(), Type.Union([TowerNumber, Type.Array(TowerNumber)]), {
        description: 'Named numbers and vectors that the bundle declares.',
      }),
    ),
  }
}

function bodySchemaOf(limits: BodyLimits, data: DataSchemas) {
  const SequenceEvent = Type.Object(
    {
      item: data.item,
      action: Text(64, 'One of the actions of the bundle.'),
      time: Type.Integer({ minimum: 0, maximum: 2 ** 48 - 1, description: 'Unix time, ms.' }),
    },
    closed,
  )
  const Query = Type.Object(
    {
      text: Text(8192, 'The query as typed.'),
      embedding: data.vector,
      features: data.features,
    },
    closed,
  )
  const User = Type.Object(
    {
      id: Type.Optional(
        Type.String({ minLength: 1, maxLength: ID_LENGTH_MAX, description: 'Key of the stored sequence.' }),
      ),
      country: Type.Optional(Text(256, 'Country, in the vocabulary of the bundle.')),
      gender: Type.Optional(Text(256, 'Gender, in the vocabulary of the bundle.')),
      device: Type.Optional(Text(256, 'Device, in the vocabulary of the bundle.')),
      language: Type.Optional(Text(256, 'Language, in the vocabulary of the bundle.')),
      features: data.features,
      sequence: Type.Optional(
        Type.Array(SequenceEvent, { maxItems: 1000, description: 'Engagements; replaces the stored sequence.' }),
      ),
    },
    closed,
  )
  return Type.Object(
    {
      request_id: Type.Optional(Type.String({ pattern: REQUEST_ID_PATTERN, description: 'Comes back in the answer.' })),
      query: Query,
      user: Type.Optional(User),
      candidates: data.ids,
      candidate_features: data.columns,
      top_k: Type.Optional(
        Type.Integer({ minimum: 1, maximum: limits.candidates_max, description: 'Candidates to keep.' }),
      ),
      head_weights: Type.Optional(
        Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1e9 }), {
          description: 'What the score should favour; heads that are not named weigh 0.',
        }),
      ),
      deadline_ms: Type.Optional(
        Type.Number({
          exclusiveMinimum: 0,
          maximum: DEADLINE_MS_MAX,
          description:
            'Time for the whole answer, ms, from the arrival of the request; of this and the header `x-request-deadline-ms` the smaller one counts.',
        }),
      ),
      explain: data.explain,
    },
    closed,
  )
}

export const bodySchema = (limits: BodyLimits) => bodySchemaOf(limits, documented(limits))
export const checkedBodySchema = (limits: BodyLimits) => bodySchemaOf(limits, unchecked)

export type CheckedBody = Static<ReturnType<typeof checkedBodySchema>>
