/**
 * The bundle manifest: everything that towers, item table, fusion and feature store must agree on (docs/formats.md §9).
 * One schema is the validator, the TypeScript type and the documentation.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }
const Name = Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Count = (maximum: number, minimum = 1) => Type.Integer({ minimum, maximum })
const Path = Type.String({ pattern: '^(query|user|item)\\.[^\\s]{1,128}$' })

/** y = ((log1p(scale·x) or scale·x) − mean) / std, limited to ±clip; `missing` replaces an absent x (docs/formats.md §4). */
export const Transform = Type.Object(
  {
    kind: Type.Union([Type.Literal('log1p'), Type.Literal('identity')]),
    scale: Type.Number(),
    mean: Type.Number(),
    std: Type.Number({ exclusiveMinimum: 0 }),
    missing: Type.Number(),
    clip: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  closed,
)
export type Transform = Static<typeof Transform>

const From = Type.Array(Path, { minItems: 1, maxItems: 64 })

/** Where one tower input comes from. */
export const Source = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('text_ngrams'),
      from: From,
      buckets: Count(2 ** 24, 2),
      word_ngrams: Type.Array(Count(4)),
      char_ngrams: Type.Array(Count(8)),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('vocabulary'), from: Path, vocabulary: Name }, closed),
  Type.Object({ kind: Type.Literal('numeric'), from: From, transforms: Type.Array(Transform) }, closed),
  Type.Object({ kind: Type.Literal('vector'), from: Path }, closed),
  Type.Object({ kind: Type.Literal('present'), from: Path }, closed),
  Type.Object(
    {
      kind: Type.Literal('sequence'),
      column: Type.Union([
        Type.Literal('content'),
        Type.Literal('action'),
        Type.Literal('age_seconds'),
        Type.Literal('mask'),
      ]),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('top_items'),
      segment: Name,
      column: Name,
      read: Type.Union([Type.Literal('content'), Type.Literal('mask'), Type.Literal('share')]),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('constant'), value: Type.Number() }, closed),
])
export type Source = Static<typeof Source>

/** One ONNX input; `shape` leaves the batch dimension out. */
export const TowerInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128 }),
    dtype: Type.Union([Type.Literal('float32'), Type.Literal('int32')]),
    shape: Type.Array(Count(2 ** 20), { minItems: 1, maxItems: 2 }),
    source: Source,
  },
  closed,
)
export type TowerInput = Static<typeof TowerInput>

const Linear = Type.Object(
  { kind: Type.Literal('linear'), weights: Type.Array(Type.Number()), bias: Type.Number() },
  closed,
)
const Mlp = Type.Object(
  {
    kind: Type.Literal('mlp'),
    layers: Type.Array(
      Type.Object(
        { weights: Type.Array(Type.Number()), bias: Type.Array(Type.Number(), { minItems: 1, maxItems: 64 }) },
        closed,
      ),
      { minItems: 2, maxItems: 3 },
    ),
  },
  closed,
)
export const Fusion = Type.Union([Linear, Mlp])
export type Fusion = Static<typeof Fusion>

const Precision = Type.Union([Type.Literal('float32'), Type.Literal('int8')])
export type Precision = Static<typeof Precision>

export const Manifest = Type.Object(
  {
    format: Type.Literal('prerank-bundle'),
    format_version: Type.Literal(1),
    name: Name,
    version: Name,
    fingerprint: Sha256,
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    /** SHA-256 of every model file of the bundle except the manifest, the item table and the feature snapshots. */
    files: Type.Record(Type.String(), Sha256),
    dims: Count(1024),
    /** Order of the query tower's H output vectors. */
    heads: Type.Array(Type.Object({ name: Name, default_weight: Type.Number({ minimum: 0 }) }, closed), {
      minItems: 1,
      maxItems: 16,
    }),
    vocabularies: Type.Record(Name, Type.Array(Type.String({ maxLength: 256 }), { maxItems: 2 ** 20 })),
    /** Engagement actions and their codes in packed events. */
    actions: Type.Record(Name, Count(255)),
    query_tower: Type.Object(
      {
        files: Type.Object({ float32: Type.String(), int8: Type.Optional(Type.String()) }, closed),
        precision: Precision,
        /** What the int8 tower takes activation scales from: `row`, then requests may share a run, or the whole `batch`. */
        int8_scales: Type.Optional(Type.Union([Type.Literal('batch'), Type.Literal('row')], { default: 'batch' })),
        inputs: Type.Array(TowerInput, { minItems: 1, maxItems: 128 }),
        output: Type.String(),
      },
      closed,
    ),
    item_tower: Type.Optional(
      Type.Object(
        {
          file: Type.String(),
          inputs: Type.Array(TowerInput, { minItems: 1, maxItems: 128 }),
          output: Type.String(),
          content_output: Type.Optional(Type.String()),
        },
        closed,
      ),
    ),
    items: Type.Object(
      {
        id_kind: Type.Union([Type.Literal('u64'), Type.Literal('string')]),
        dtype: Type.Union([Type.Literal('float32'), Type.Literal('float16'), Type.Literal('int8')]),
        /** Per-item numbers that the fusion reads; stored raw in the item table, NaN when missing. */
        scalars: Type.Array(Type.Object({ name: Name, from: Path, transform: Transform }, closed), { maxItems: 16 }),
        /** Content embedding that user sequences read: the item tower's content output, or a column of the catalogue. */
        content: Type.Optional(
          Type.Object({ dims: Count(1024), from: Type.Union([Type.Literal('output'), Path]) }, closed),
        ),
      },
      closed,
    ),
    sequence: Type.Optional(Type.Object({ length: Count(1000) }, closed)),
    counts: Type.Object(
      {
        /** Columns of every count blob, in order; window_days 0 = all time. */
        columns: Type.Array(
          Type.Object({ name: Name, action: Name, window_days: Type.Number({ minimum: 0 }) }, closed),
          { maxItems: 64 },
        ),
        /** `all`, `token`, or the name of a user-context vocabulary such as `country`. */
        segments: Type.Array(Name, { maxItems: 16 }),
      },
      closed,
    ),
    cross_features: Type.Array(
      Type.Object(
        { name: Name, segment: Name, column: Name, prior: Type.Number({ minimum: 0 }), transform: Transform },
        closed,
      ),
      { maxItems: 64 },
    ),
    /** One number per candidate that the caller sends along. */
    caller_columns: Type.Array(Type.Object({ name: Name, transform: Transform }, closed), { maxItems: 16 }),
    fusion: Fusion,
    golden: Type.Object(
      {
        file: Type.String(),
        tolerance: Type.Object({ float32: Type.Number(), int8: Type.Optional(Type.Number()) }, closed),
      },
      closed,
    ),
  },
  closed,
)
export type Manifest = Static<typeof Manifest>
