/*
 * The kernel's C core: plain memory in, plain memory out, no Node-API, no globals. Everything may be called from many
 * threads at once as long as each brings its own scratch. N candidates, M items, D dims, F cross features, S scalars,
 * U caller columns, W = 1 + F + S + U features, K kept.
 *
 *   pr_lookup      keys → rows; pr_dedupe: each row once
 *   pr_blob_parse  bytes of a count blob → checked view
 *   pr_join_run    candidates × count blobs → the few candidates with counts ("hits")
 *   pr_score       rows → dot → features → transforms → layers → scores → best k, in blocks that stay in the cache; of large
 *                  requests over sketches only the rows that may be among the best k (two_pass.c)
 */
#ifndef PRERANK_CORE_H
#define PRERANK_CORE_H

#include "../../items/native/table.h"

#define PR_CROSS_MAX 64
#define PR_COLUMNS_MAX PR_SCALARS_MAX
#define PR_HIDDEN_MAX 64
#define PR_LAYERS_MAX 3
#define PR_WIDTH_MAX (1 + PR_CROSS_MAX + 2 * PR_COLUMNS_MAX)
#define PR_BLOBS_MAX 1024
#define PR_ERROR_BYTES 160

/* Candidates per block: W × 256 floats of features are a few KiB for usual formulas, 100 KiB at most. */
#define PR_BLOCK 256

typedef struct {
  uint32_t unknown;
  uint32_t duplicates;
} pr_resolved;

/* rows[i] = row of keys[i], or PR_NO_ROW. */
void pr_lookup(const pr_table *table, const uint64_t *keys, size_t n, uint32_t *rows);

size_t pr_dedupe_scratch_bytes(const pr_table *table, size_t n);
/* Later candidates with the row of an earlier one get PR_NO_ROW. */
pr_resolved pr_dedupe(const pr_table *table, uint32_t *rows, size_t n, void *scratch);

typedef struct {
  bool log1p;
  float scale, mean, std, missing, clip;
} pr_transform;

typedef struct {
  uint32_t inputs, outputs;
  const float *weights; /* [outputs × inputs] */
  const float *bias;
} pr_layer;

typedef struct {
  uint32_t cross, scalars, columns, layers;
  float prior[PR_CROSS_MAX];
  pr_transform transform[PR_WIDTH_MAX]; /* in feature order without the dot: F, S, U */
  pr_layer layer[PR_LAYERS_MAX];
} pr_formula;

/* Reads the packed form that native.ts writes; the layers point into `packed`. */
bool pr_formula_parse(pr_formula *formula, const float *packed, size_t count);

typedef struct {
  uint32_t items, columns;
  const uint8_t *totals, *keys, *counts; /* unaligned */
  const int16_t *features;               /* [columns], −1 = unused */
} pr_blob;

typedef struct {
  const uint8_t *bytes;
  size_t length;
  const int16_t *features;
  size_t features_length;
  bool checked;
} pr_blob_source;

/* On failure writes what is wrong to error[PR_ERROR_BYTES]. */
bool pr_blob_parse(pr_blob *blob, const pr_blob_source *source, char *error);

/* Sum of C(q) of every cross feature, over all blobs. */
void pr_totals(const pr_blob *blobs, size_t blob_count, uint32_t cross, double *totals);

/* The candidates that some blob may list. */
typedef struct {
  uint32_t cross;
  size_t count;
  uint32_t *positions; /* [count], ascending */
  float *counts;       /* [(1 + count) × F]: hit h counts at (1 + h) × F */
} pr_join;

size_t pr_join_scratch_bytes(const pr_blob *blobs, size_t blob_count, uint32_t cross, size_t n);
/* Random per process, so that nobody can write blobs whose keys collide. */
uint64_t pr_join_seed(void);
void pr_join_run(pr_join *join, const pr_blob *blobs, size_t blob_count, uint32_t cross, const uint64_t *keys, size_t n,
                 void *scratch);

typedef struct {
  const pr_table *table;
  const pr_formula *formula;
  const pr_blob *blobs;
  size_t blob_count;
  const double *totals;
  const float *query;
  const uint64_t *keys;
  const uint32_t *rows;
  const float *const *columns; /* [U], each [N] or NULL */
  size_t n;
} pr_input;

/* A key orders like (score descending, position ascending, NaN last). */
typedef struct {
  uint64_t *keys;
  uint64_t *spare;
  size_t count, capacity, kept_max;
  uint64_t bound; /* ranks from here on are no longer collected */
} pr_best;

/* For the best k of n scores. */
size_t pr_best_scratch_bytes(size_t k, size_t n);
void pr_best_start(pr_best *best, size_t k, size_t n, void *scratch);
/* Forgets what was added. */
void pr_best_restart(pr_best *best);
/* Adds scores[i] at position first + i where rows[i] is a row. */
void pr_best_add(pr_best *best, const float *scores, const uint32_t *rows, uint32_t row_count, size_t n, size_t first);
/* Sorts and cuts to k. */
void pr_best_finish(pr_best *best);
/* `later` holds higher positions only. */
void pr_best_merge(pr_best *best, const pr_best *later);
uint32_t pr_best_position(uint64_t key);
float pr_best_score(uint64_t key);

/* What to write; any may be NULL. Candidates without a row get NaN. */
typedef struct {
  pr_best *best;
  float *scores;      /* [N] */
  float *raw;         /* [N × W] */
  float *transformed; /* [N × W] */
} pr_output;

size_t pr_score_scratch_bytes(const pr_input *input, size_t n);
/* Scores candidates [from, to); scratch for n ≥ to − from. */
void pr_score(const pr_input *input, size_t from, size_t to, const pr_output *output, void *scratch);

/* Stages of pr_score, for it and for the benchmark. */
typedef struct {
  float values[PR_DIMS_MAX + 64]; /* in the order in which the row's lanes come */
  float factor;
} pr_query __attribute__((aligned(64)));
void pr_query_prepare(pr_query *prepared, const pr_table *table, const float *query);
void pr_prefetch_rows(const pr_table *table, const uint32_t *rows, size_t n);
/* Rows [0, asked) were prefetched before; more, up to `readable`, are on the way. */
typedef struct {
  size_t asked, readable;
} pr_ahead;
#define PR_PREFETCH_ROWS 32
/* out[i] = ⟨query, row⟩ for i < n; prefetches PR_PREFETCH_ROWS ahead. */
void pr_dots(const pr_table *table, const pr_query *query, const uint32_t *rows, size_t n, pr_ahead ahead, float *out);

/* A query laid out for sketches: the dot product is an exact sum of integers times `step`. */
typedef struct {
  int16_t levels[PR_DIMS_MAX + 64]; /* zeros from dims on: sketches are read in whole vectors */
  float step;
  double error; /* no product is further from the one that pr_dots computes */
} pr_sketch_query __attribute__((aligned(64)));
/* False where nothing can be proven: numbers that are not finite, or so large that a product might overflow. */
bool pr_sketch_prepare(pr_sketch_query *prepared, const pr_table *table, const float *query);
void pr_prefetch_sketches(const pr_table *table, const uint32_t *rows, size_t n);
#define PR_PREFETCH_SKETCHES 64
/* out[i] ≈ ⟨query, row⟩ from its sketch; prefetches PR_PREFETCH_SKETCHES ahead. */
void pr_sketch_dots(const pr_table *table, const pr_sketch_query *query, const uint32_t *rows, size_t n, pr_ahead ahead,
                    float *out);
/* Largest magnitude; NaN counts as larger than infinity. */
float pr_magnitude(const float *values, size_t n);

/* How far scores may lie apart whose dot products do by at most `dot_error` (drift.c). */
typedef struct {
  const pr_formula *formula;
  double dot_error, all;
  uint32_t units; /* of the first hidden layer; 0 = no hidden layer */
  float low[PR_HIDDEN_MAX], high[PR_HIDDEN_MAX]; /* through a unit that is on */
  float falls_above[PR_HIDDEN_MAX], rises_above[PR_HIDDEN_MAX]; /* what a unit must exceed to count, a margin around 0 */
  float rounding;
} pr_drift;
void pr_drift_prepare(pr_drift *drift, const pr_formula *formula, double dot_error);
/* For candidates whose W features are not larger than magnitudes; false where a sum might overflow. */
bool pr_drift_block(pr_drift *drift, const float *magnitudes);
/* `hidden`: the first hidden layer before its ReLU, which is then applied. Writes whole vectors. */
void pr_drift_apply(const pr_drift *drift, float *hidden, size_t n, float *drifts);
void pr_transform_apply(const pr_transform *transform, float *values, size_t n);
void pr_layer_apply(const pr_layer *layer, const float *in, float *out, size_t n, bool relu);

#endif
