/** The body of an engagements request as callers write it: the schema behind validation and documentation. */
import { type Static, Type } from 'typebox'
import { ID_LENGTH_MAX, REQUEST_ID_PATTERN } from '../prerank/body.ts'

export type EventLimits = { engagements_max: number }

const closed = { additionalProperties: false }
const Text = (maxLength: number, description: string) => Type.String({ maxLength, description })
const Context = (name: string) => Type.Optional(Text(256, `${name}, in the vocabulary of the bundle.`))

const Id = Type.Union(
  [
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    Type.String({ minLength: 1, maxLength: ID_LENGTH_MAX }),
  ],
  { description: 'Item id.' },
)

const User = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        maxLength: ID_LENGTH_MAX,
        // A hash tag must not be empty: the keys of a user would be in different slots of a Cluster.
        pattern: `^[^}][^]{0,${ID_LENGTH_MAX - 1}}$`,
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

const Event = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Identifies the event among those of its user: sent again, it changes nothing.',
    }),
    time: Type.Integer({ minimum: 0, maximum: 2 ** 48 - 1, description: 'When it happened, Unix time, ms.' }),
    action: Text(64, 'One of the actions of the bundle.'),
    item: Id,
    user: Type.Optional(User),
    query: Type.Optional(
      Type.Object(
        { text: Text(8192, 'The query as typed: the live counts under it and its tokens grow.') },
        { ...closed, description: 'The search that led to the item; without it only the sequence grows.' },
      ),
    ),
  },
  { ...closed, description: '`user.id`, `query` or both.' },
)

export const engagementsSchema = ({ engagements_max }: EventLimits) =>
  Type.Object(
    {
      request_id: Type.Optional(Type.String({ pattern: REQUEST_ID_PATTERN, description: 'Comes back in the answer.' })),
      events: Type.Array(Event, { minItems: 1, maxItems: engagements_max, description: 'In any order.' }),
    },
    closed,
  )

export type EngagementsBody = Static<ReturnType<typeof engagementsSchema>>
