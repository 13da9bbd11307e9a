/*
 * The fused pipeline. A block of 256 candidates passes through every stage while its features stay in the first-level
 * cache; memory is read once, for the rows. The join has run before, over all candidates: its tables and the streaming
 * rows would throw each other out of the cache.
 */
#include <math.h>
#include <string.h>

#include "core.h"
#include "scratch.h"

/* Rows of the next block to ask for after each stage: 8 % of the whole, measured with 5 cross features and an MLP. */
#define ROWS_PER_STAGE 32

typedef struct {
  float features[PR_WIDTH_MAX][PR_BLOCK];
  float hidden[2][PR_HIDDEN_MAX][PR_BLOCK];
  float hit_values[PR_BLOCK];
  float per_total[PR_CROSS_MAX]; /* 1 / (totals + prior) */
  float unlisted_raw[PR_CROSS_MAX];
  float unlisted[PR_CROSS_MAX];
  pr_query query;
  pr_join join;
} workspace;

/* Candidates [first, first + n) of a call's [from, end), and the hits among them, whose positions count from `from`. */
typedef struct {
  const pr_input *input;
  const pr_output *output;
  workspace *w;
  size_t from, first, n, end;
  size_t hit, hit_count;
  size_t asked, asked_next; /* prefetched rows of this block and the next */
} block;

static size_t workspace_bytes(void) { return (sizeof(workspace) + 63) / 64 * 64 + PR_FENCE_BYTES; }

size_t pr_score_scratch_bytes(const pr_input *input, size_t n) {
  return workspace_bytes() + pr_join_scratch_bytes(input->blobs, input->blob_count, input->formula->cross, n);
}

static uint32_t width_of(const pr_formula *f) { return 1 + f->cross + f->scalars + f->columns; }

static bool has_row(const block *b, size_t i) { return b->input->rows[b->first + i] < b->input->table->rows; }

/* One column into an [N × W] matrix of an explanation. */
static void dump(const block *b, float *matrix, uint32_t column) {
  if (!matrix) return;
  uint32_t width = width_of(b->input->formula);
  for (size_t i = 0; i < b->n; i++) {
    matrix[(b->first + i) * width + column] = has_row(b, i) ? b->w->features[column][i] : NAN;
  }
}

static void finish_column(const block *b, uint32_t column) {
  dump(b, b->output->raw, column);
  pr_transform_apply(&b->input->formula->transform[column - 1], b->w->features[column], b->n);
  dump(b, b->output->transformed, column);
}

/* What a candidate in no blob has, before and after the transform, and what counts are multiplied by. */
static void prepare_cross(const pr_input *input, workspace *w) {
  for (uint32_t f = 0; f < input->formula->cross; f++) {
    bool known = input->totals[f] > 0;
    w->per_total[f] = known ? (float)(1 / (input->totals[f] + input->formula->prior[f])) : NAN;
    w->unlisted_raw[f] = known ? 0 : NAN;
    w->unlisted[f] = w->unlisted_raw[f];
    pr_transform_apply(&input->formula->transform[f], &w->unlisted[f], 1);
  }
}

static void fill(float *values, size_t n, float value) {
  for (size_t i = 0; i < n; i++) values[i] = value;
}

static void scatter(const block *b, float *column) {
  size_t offset = b->first - b->from;
  const uint32_t *positions = b->w->join.positions + b->hit;
  for (size_t h = 0; h < b->hit_count; h++) column[positions[h] - offset] = b->w->hit_values[h];
}

static void cross_column(const block *b, uint32_t f) {
  workspace *w = b->w;
  float *column = w->features[1 + f];
  uint32_t cross = w->join.cross;
  const float *counts = w->join.counts + (1 + b->hit) * cross + f;
  for (size_t h = 0; h < b->hit_count; h++) w->hit_values[h] = counts[h * cross] * w->per_total[f];
  if (b->output->raw) {
    fill(column, b->n, w->unlisted_raw[f]);
    scatter(b, column);
    dump(b, b->output->raw, 1 + f);
  }
  pr_transform_apply(&b->input->formula->transform[f], w->hit_values, b->hit_count);
  fill(column, b->n, w->unlisted[f]);
  scatter(b, column);
  dump(b, b->output->transformed, 1 + f);
}

static void scalar_columns(const block *b) {
  const pr_table *t = b->input->table;
  const pr_formula *formula = b->input->formula;
  uint32_t column = 1 + formula->cross;
  const uint8_t *scalars = t->base + t->rows_at + t->row_stride - 4 * t->scalars;
  for (size_t i = 0; i < b->n; i++) {
    const uint8_t *at = scalars + (has_row(b, i) ? (size_t)b->input->rows[b->first + i] * t->row_stride : 0);
    for (uint32_t s = 0; s < formula->scalars; s++) memcpy(&b->w->features[column + s][i], at + 4 * s, 4);
  }
  for (uint32_t s = 0; s < formula->scalars; s++) finish_column(b, column + s);
}

static void caller_columns(const block *b) {
  const pr_formula *formula = b->input->formula;
  for (uint32_t u = 0; u < formula->columns; u++) {
    uint32_t column = 1 + formula->cross + formula->scalars + u;
    const float *values = b->input->columns[u];
    if (values) memcpy(b->w->features[column], values + b->first, b->n * sizeof(float));
    else fill(b->w->features[column], b->n, NAN);
    finish_column(b, column);
  }
}

/* Stages that only compute would leave memory idle: after each one, some rows of the next block are asked for. */
static void ask_ahead(block *b) {
  size_t at = b->first + b->n + b->asked_next;
  size_t left = at < b->end ? b->end - at : 0;
  size_t count = left < ROWS_PER_STAGE ? left : ROWS_PER_STAGE;
  if (b->asked_next + count > PR_BLOCK) return;
  pr_prefetch_rows(b->input->table, b->input->rows + at, count);
  b->asked_next += count;
}

/* Through all layers; returns the row of scores. */
static float *fuse(block *b) {
  const pr_formula *formula = b->input->formula;
  float *in = b->w->features[0];
  for (uint32_t l = 0; l < formula->layers; l++) {
    float *out = b->w->hidden[l % 2][0];
    pr_layer_apply(&formula->layer[l], in, out, b->n, l + 1 < formula->layers);
    ask_ahead(b);
    in = out;
  }
  return in;
}

static void score_block(block *b) {
  const pr_input *input = b->input;
  const uint32_t *rows = input->rows + b->first;
  const pr_ahead ahead = {b->asked, b->end - b->first};
  pr_dots(input->table, &b->w->query, rows, b->n, ahead, b->w->features[0]);
  b->asked_next = PR_PREFETCH_ROWS;
  ask_ahead(b);
  dump(b, b->output->raw, 0);
  dump(b, b->output->transformed, 0);
  for (uint32_t f = 0; f < input->formula->cross; f++) {
    cross_column(b, f);
    ask_ahead(b);
  }
  if (input->formula->scalars > 0) scalar_columns(b);
  caller_columns(b);
  float *scores = fuse(b);
  if (b->output->best) pr_best_add(b->output->best, scores, rows, input->table->rows, b->n, b->first);
  if (!b->output->scores) return;
  for (size_t i = 0; i < b->n; i++) b->output->scores[b->first + i] = has_row(b, i) ? scores[i] : NAN;
}

static void score_blocks(block b) {
  const pr_join *join = &b.w->join;
  for (; b.first < b.end; b.first += b.n, b.hit += b.hit_count, b.asked = b.asked_next) {
    b.n = b.end - b.first < PR_BLOCK ? b.end - b.first : PR_BLOCK;
    b.hit_count = 0;
    size_t stop = b.first - b.from + b.n;
    while (b.hit + b.hit_count < join->count && join->positions[b.hit + b.hit_count] < stop) b.hit_count++;
    score_block(&b);
  }
}

static void score_nothing(const pr_input *input, size_t from, size_t to, const pr_output *output) {
  uint32_t width = width_of(input->formula);
  if (output->scores) fill(output->scores + from, to - from, NAN);
  if (output->raw) fill(output->raw + from * width, (to - from) * width, NAN);
  if (output->transformed) fill(output->transformed + from * width, (to - from) * width, NAN);
}

void pr_score(const pr_input *input, size_t from, size_t to, const pr_output *output, void *scratch) {
  workspace *w = scratch;
  if (input->table->rows == 0) {
    score_nothing(input, from, to, output);
    return;
  }
  memset(w->features, 0, width_of(input->formula) * sizeof *w->features);
  prepare_cross(input, w);
  pr_query_prepare(&w->query, input->table, input->query);
  PR_FENCE((uint8_t *)scratch + workspace_bytes() - PR_FENCE_BYTES);
  pr_join_run(&w->join, input->blobs, input->blob_count, input->formula->cross, input->keys + from, to - from,
              (uint8_t *)scratch + workspace_bytes());
  score_blocks((block){.input = input, .output = output, .w = w, .from = from, .first = from, .end = to});
}
