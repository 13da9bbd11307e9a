/**
 * The body of an engagements request as callers write it: the schema behind validation and documentation. Item ids may be
 * wider than JSON's numbers in CBOR, so the check leaves them to `decode`.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { ID_LENGTH_MAX, Id, REQUEST_ID_PATTERN, Text } from '../prerank/body.ts'

export type EventLimits = { engagements_max: number }

const closed = { additionalProperties: false }
const Context = (name: string) => Type.Optional(Text(256, `${name}, in the vocabulary of the bundle.`))

const User = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: ID_LENGTH_MAX,
        // A hash tag must not be empty: the keys of a user would be in different slots of a Cluster.
        pattern: '^[^}]',
        description: 'Whose sequence the event joins.',
      }),
    ),
    country: Context('Country'),
    gender: Context('Gender'),
    device: Context('Device'),
    language: Context('Language'),
  },
  closed,
)

/** What `decode` checks by hand, for the better error. */
const DOCUMENTED_RULES = {
  anyOf: [{ required: ['query'] }, { required: ['user'], properties: { user: { type: 'object', required: ['id'] } } }],
}

type EventSchemas<Item extends TSchema> = { item: Item; rules: object }

const eventOf = <Item extends TSchema>({ item, rules }: EventSchemas<Item>) =>
  Type.Object(
    {
      id: Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'Identifies the event among those of its user: sent again, it changes nothing.',
      }),
      time: Type.Integer({ minimum: 0, maximum: 2 ** 48 - 1, description: 'When it happened, Unix time, ms.' }),
      action: Text(64, 'One of the actions of the bundle.'),
      item,
      user: Type.Optional(User),
      query: Type.Optional(
        Type.Object(
          { text: Text(8192, 'The query as typed: the live counts under it and its tokens grow.') },
          { ...closed, description: 'The search that led to the item; without it only the sequence grows.' },
        ),
      ),
    },
    {
      ...closed,
      description: '`user.id`, `query` or both.',
      ...rules,
    },
  )

const bodyOf = <Item extends TSchema>({ engagements_max }: EventLimits, event: EventSchemas<Item>) =>
  Type.Object(
    {
      request_id: Type.Optional(Type.String({ pattern: REQUEST_ID_PATTERN, description: 'Comes back in the answer.' })),
      events: Type.Array(eventOf(event), { minItems: 1, maxItems: engagements_max, description: 'In any order.' }),
    },
    closed,
  )

export const engagementsSchema = (limits: EventLimits) => bodyOf(limits, { item: Id, rules: DOCUMENTED_RULES })
export const checkedEngagementsSchema = (limits: EventLimits) => bodyOf(limits, { item: Type.Unknown(), rules: {} })

export type CheckedEngagements = Static<ReturnType<typeof checkedEngagementsSchema>>
