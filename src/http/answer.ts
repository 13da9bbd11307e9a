/**
 * The answer on the wire. Ids come straight out of the body, so they come back as they were sent: numbers, texts, or a
 * typed array of the same kind.
 */
import { Type } from 'typebox'
import type { CandidateExplanation, FeatureRead, PrerankAnswer } from '../prerank/answer.ts'
import { Id } from '../prerank/body.ts'
import { ParsedIds } from '../prerank/parsed_ids.ts'
import type { Format } from './formats.ts'

const closed = { additionalProperties: false }

const Explanation = Type.Object(
  {
    id: Id,
    outcome: Type.Union(
      ['kept', 'cut', 'unknown', 'not_a_candidate'].map((outcome) => Type.Literal(outcome)),
      { description: '`cut`: scored, but not among the best top_k. `unknown`: not in the item table.' },
    ),
    rank: Type.Optional(Type.Integer({ description: 'From 1, over all scored candidates.' })),
    score: Type.Optional(Type.Number()),
    distance_to_cut: Type.Optional(Type.Number({ description: 'Score minus the score of the last kept candidate.' })),
    heads: Type.Optional(
      Type.Record(Type.String(), Type.Number(), { description: 'Dot product with each head, before head weights.' }),
    ),
    features: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          {
            raw: Type.Union([Type.Number(), Type.Null()], { description: 'null is missing.' }),
            transformed: Type.Number(),
            contribution: Type.Number({
              description: 'How far the score falls with `transformed` at 0; for linear fusion weight × transformed.',
            }),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
)

export const PrerankAnswerBody = Type.Object(
  {
    request_id: Type.String(),
    model: Type.Object({ name: Type.String(), version: Type.String(), fingerprint: Type.String() }, closed),
    ids: Type.Array(Id, {
      description: 'The kept candidates, best first, as they were sent. In CBOR a typed array where one came in.',
    }),
    scores: Type.Array(Type.Union([Type.Number(), Type.Null()]), {
      description: 'One float32 per id; null where that is not finite. In CBOR a typed array.',
    }),
    counts: Type.Object(
      {
        candidates: Type.Integer(),
        scored: Type.Integer(),
        unknown: Type.Integer({ description: 'Not in the item table.' }),
        duplicates: Type.Integer({ description: 'Repetitions of an earlier candidate.' }),
      },
      closed,
    ),
    degraded: Type.Array(Type.String(), {
      description: 'Features that were not there in time; the scores do without.',
    }),
    degraded_reasons: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description:
          'Why, for every degraded feature. `deadline`: waiting for it would have left no time to score. `late`, `down`: the store. `not_loaded`: it holds nothing that `prerank load` writes. `nonsense`, `damaged`: what it holds.',
      }),
    ),
    explain: Type.Optional(Type.Array(Explanation)),
  },
  { ...closed, $id: 'PrerankAnswer' },
)

type IdColumn = unknown[] | ParsedIds | Uint8Array | Uint16Array | Uint32Array | BigUint64Array
export type AnswerOptions = { request_id: string; candidates: unknown; named: unknown; format: Format }

/** `candidates` and `named` are the columns of the body that `positions` and the explanations speak of. */
export function answerBody(answer: PrerankAnswer, options: AnswerOptions): Record<string, unknown> {
  const { model, positions, scores, counts, degraded, reads, explain } = answer
  const ids = pick(options.candidates as IdColumn, positions)
  const plain = options.format === 'json'
  const body = {
    request_id: options.request_id,
    model,
    ids: plain ? plainIds(ids) : ids,
    scores: plain ? Array.from(scores) : scores,
    counts,
    degraded,
    ...(degraded.length > 0 && { degraded_reasons: reasonsOf(reads) }),
  }
  return explain ? { ...body, explain: explanations(explain, options) } : body
}

function reasonsOf(reads: FeatureRead[]): Record<string, string> {
  return Object.fromEntries(reads.flatMap((read) => (read.outcome === 'lost' ? [[read.feature, read.reason]] : [])))
}

/** The same as JSON text up to the last id (none where ids are copied from the body), and from the end of the scores on. */
export function answerTexts(answer: PrerankAnswer, options: AnswerOptions): { head: string; tail: string } {
  const { model, positions, counts, degraded, reads, explain } = answer
  const { candidates, request_id } = options
  const isCopied = candidates instanceof ParsedIds
  const ids = isCopied ? '' : JSON.stringify(plainIds(pick(candidates as IdColumn, positions))).slice(1, -1)
  const first = JSON.stringify({ request_id, model }).slice(0, -1)
  const degraded_reasons = degraded.length > 0 ? reasonsOf(reads) : undefined
  const explained = explain && explanations(explain, options)
  const last = JSON.stringify({ counts, degraded, degraded_reasons, explain: explained }).slice(1)
  return { head: `${first},"ids":[${ids}`, tail: `],${last}` }
}

function pick(column: IdColumn, positions: Uint32Array): Exclude<IdColumn, ParsedIds> {
  if (column instanceof ParsedIds) return Array.from(positions, (position) => column.at(position))
  const picked = Array.isArray(column)
    ? new Array<unknown>(positions.length)
    : new (column.constructor as Uint32ArrayConstructor)(positions.length)
  for (let index = 0; index < positions.length; index++) picked[index] = column[positions[index]] as number
  return picked
}

function plainIds(ids: Exclude<IdColumn, ParsedIds>): unknown[] {
  return Array.from(ids as unknown[], plainId)
}

/** JSON numbers are exact up to 2^53 − 1; beyond, an id is decimal text. */
function plainId(id: unknown): unknown {
  if (typeof id !== 'bigint') return id
  return id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id.toString()
}

const explanations = (explain: CandidateExplanation[], options: AnswerOptions) =>
  explain.map((entry) => explanationBody(entry, options))

function explanationBody({ position, named, ...entry }: CandidateExplanation, options: AnswerOptions) {
  const column = (named === undefined ? options.candidates : options.named) as IdColumn
  const at = named ?? position!
  const id = column instanceof ParsedIds ? column.at(at) : column[at]
  return { id: options.format === 'json' ? plainId(id) : id, ...entry }
}
