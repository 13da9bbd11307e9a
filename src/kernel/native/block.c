/*
 * The fused pipeline. A block of 256 candidates passes through every stage while its features stay in the first-level
 * cache; memory is read once, for the rows. The join has run before, over all candidates: its tables and the streaming
 * rows would throw each other out of the cache.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "block.h"

/* Rows of the next block to ask for after each stage: 8 % of the whole, measured with 5 cross features and an MLP. */
#define ROWS_PER_STAGE 32

/* One column into an [N × W] matrix of an explanation. */
static void dump(const pr_block *b, float *matrix, uint32_t column) {
  if (!matrix) return;
  uint32_t width = pr_width(b->input->formula);
  for (size_t i = 0; i < b->n; i++) {
    matrix[(b->first + i) * width + column] = pr_block_has_row(b, i) ? b->w->features[column][i] : NAN;
  }
}

static void finish_column(const pr_block *b, uint32_t column) {
  dump(b, b->output->raw, column);
  pr_transform_apply(&b->input->formula->transform[column - 1], b->w->features[column], b->n);
  dump(b, b->output->transformed, column);
}

/* What a candidate in no blob has, before and after the transform, and what counts are multiplied by. */
static void prepare_cross(const pr_input *input, pr_workspace *w) {
  for (uint32_t f = 0; f < input->formula->cross; f++) {
    bool known = input->totals[f] > 0;
    /* Infinity times a count of 0 would be missing. */
    w->per_total[f] = known ? (float)fmin(1 / (input->totals[f] + input->formula->prior[f]), FLT_MAX) : NAN;
    w->unlisted_raw[f] = known ? 0 : NAN;
    w->unlisted[f] = w->unlisted_raw[f];
    pr_transform_apply(&input->formula->transform[f], &w->unlisted[f], 1);
  }
}

void pr_workspace_prepare(pr_workspace *w, const pr_input *input) {
  /* Whole vectors are computed, also of a last block that has none of its own there. */
  memset(w->features, 0, pr_width(input->formula) * sizeof *w->features);
  prepare_cross(input, w);
  pr_query_prepare(&w->query, input->table, input->query);
}

static void scatter(const pr_block *b, float *column) {
  size_t offset = b->first - b->from;
  const uint32_t *positions = b->join->positions + b->hit;
  for (size_t h = 0; h < b->hit_count; h++) column[positions[h] - offset] = b->w->hit_values[h];
}

static void cross_column(const pr_block *b, uint32_t f) {
  pr_workspace *w = b->w;
  float *column = w->features[1 + f];
  uint32_t cross = b->join->cross;
  const float *counts = b->join->counts + (1 + b->hit) * cross + f;
  for (size_t h = 0; h < b->hit_count; h++) w->hit_values[h] = counts[h * cross] * w->per_total[f];
  if (b->output->raw) {
    pr_fill(column, b->n, w->unlisted_raw[f]);
    scatter(b, column);
    dump(b, b->output->raw, 1 + f);
  }
  pr_transform_apply(&b->input->formula->transform[f], w->hit_values, b->hit_count);
  pr_fill(column, b->n, w->unlisted[f]);
  scatter(b, column);
  dump(b, b->output->transformed, 1 + f);
}

static void scalar_columns(const pr_block *b) {
  const pr_formula *formula = b->input->formula;
  uint32_t column = 1 + formula->cross;
  for (size_t i = 0; i < b->n; i++) {
    const uint8_t *at = pr_table_scalars(b->input->table, pr_block_has_row(b, i) ? b->input->rows[b->first + i] : 0);
    for (uint32_t s = 0; s < formula->scalars; s++) memcpy(&b->w->features[column + s][i], at + 4 * s, 4);
  }
  for (uint32_t s = 0; s < formula->scalars; s++) finish_column(b, column + s);
}

static void caller_columns(const pr_block *b) {
  const pr_formula *formula = b->input->formula;
  for (uint32_t u = 0; u < formula->columns; u++) {
    uint32_t column = 1 + formula->cross + formula->scalars + u;
    const float *values = b->input->columns[u];
    if (values) memcpy(b->w->features[column], values + b->first, b->n * sizeof(float));
    else pr_fill(b->w->features[column], b->n, NAN);
    finish_column(b, column);
  }
}

/* Stages that only compute would leave memory idle: after each one, some rows of the next block are asked for. */
static void ask_ahead(pr_block *b) {
  size_t at = b->first + b->n + b->asked_next;
  size_t left = at < b->end ? b->end - at : 0;
  size_t count = left < ROWS_PER_STAGE ? left : ROWS_PER_STAGE;
  if (b->asked_next + count > PR_BLOCK) return;
  if (b->sketched) pr_prefetch_sketches(b->input->table, b->input->rows + at, count);
  else pr_prefetch_rows(b->input->table, b->input->rows + at, count);
  b->asked_next += count;
}

static void bound_drift(pr_block *b) {
  pr_workspace *w = b->w;
  float magnitudes[PR_WIDTH_MAX];
  for (uint32_t f = 0; f < pr_width(b->input->formula); f++) magnitudes[f] = pr_magnitude(w->features[f], b->n);
  if (pr_drift_block(&w->drift, magnitudes)) pr_drift_apply(&w->drift, w->hidden[0][0], b->n, w->drifts);
  else pr_fill(w->drifts, b->n, INFINITY);
}

/* Through all layers; returns the row of scores. */
static float *fuse(pr_block *b) {
  const pr_formula *formula = b->input->formula;
  float *in = b->w->features[0];
  for (uint32_t l = 0; l < formula->layers; l++) {
    float *out = b->w->hidden[l % 2][0];
    bool hidden = l + 1 < formula->layers;
    pr_layer_apply(&formula->layer[l], in, out, b->n, hidden && !(l == 0 && b->sketched));
    if (l == 0 && b->sketched) bound_drift(b);
    ask_ahead(b);
    in = out;
  }
  return in;
}

static void dots(pr_block *b) {
  const pr_input *input = b->input;
  const uint32_t *rows = input->rows + b->first;
  const pr_ahead ahead = {b->asked, b->end - b->first};
  if (b->sketched) pr_sketch_dots(input->table, &b->w->sketch, rows, b->n, ahead, b->w->features[0]);
  else pr_dots(input->table, &b->w->query, rows, b->n, ahead, b->w->features[0]);
  b->asked_next = b->sketched ? PR_PREFETCH_SKETCHES : PR_PREFETCH_ROWS;
  ask_ahead(b);
  dump(b, b->output->raw, 0);
  dump(b, b->output->transformed, 0);
}

const float *pr_block_scores(pr_block *b) {
  dots(b);
  for (uint32_t f = 0; f < b->input->formula->cross; f++) {
    cross_column(b, f);
    ask_ahead(b);
  }
  if (b->input->formula->scalars > 0) scalar_columns(b);
  caller_columns(b);
  return fuse(b);
}

bool pr_block_next(pr_block *b) {
  const pr_join *join = b->join;
  b->first += b->n;
  b->hit += b->hit_count;
  b->asked = b->asked_next;
  b->n = b->end - b->first < PR_BLOCK ? b->end - b->first : PR_BLOCK;
  b->hit_count = 0;
  size_t stop = b->first - b->from + b->n;
  while (b->hit + b->hit_count < join->count && join->positions[b->hit + b->hit_count] < stop) b->hit_count++;
  return b->n > 0;
}
