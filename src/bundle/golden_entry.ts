/** What a request of golden.json has to hold (docs/formats.md §9). A score that is no number would compare as none, or as 0. */
import { type Static, Type } from 'typebox'
import { refuseProblems } from './problems.ts'
import { createSchemaProblems } from './schema_problems.ts'

const GoldenEntry = Type.Object(
  {
    now_ms: Type.Number(),
    request: Type.Unknown(),
    blobs: Type.Record(Type.String(), Type.String()),
    ids: Type.Array(Type.Union([Type.String(), Type.Number()])),
    scores: Type.Array(Type.Number()),
  },
  { additionalProperties: false },
)
export type GoldenEntry = Static<typeof GoldenEntry>

const schemaProblems = createSchemaProblems(GoldenEntry)

/** Throws a BundleError with every problem; `where` names file and request. */
export function checkedEntry(entry: unknown, where: string): GoldenEntry {
  refuseProblems(where, schemaProblems(entry))
  const { ids, scores } = entry as GoldenEntry
  if (ids.length !== scores.length) {
    const expected = `${ids.length}, one for each of ids`
    refuseProblems(where, [{ path: 'scores', found: `${scores.length} elements`, expected }])
  }
  return entry as GoldenEntry
}
