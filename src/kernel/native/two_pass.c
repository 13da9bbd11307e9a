/*
 * The best K without reading every row. A float32 row of 64 dims is four cache lines, its sketch one, and lines are what a
 * candidate costs. So a first pass scores everybody by sketches, through the same transforms and fusion, and knows of each
 * score how far the exact one can be (sketch.c for the dot product, drift.c for what becomes of it). At least K exact scores
 * reach the K-th best lower end; whoever's upper end does not is out. A second pass scores those that are left exactly:
 * positions, scores, ties and NaNs are bit by bit what one pass over all rows gives.
 *
 * Rejected: float32 rows in high and low halves (two lines instead of one gained nothing over four); one bound for the slopes
 * of all candidates, instead of one each (drift.c).
 */
#include <math.h>
#include <string.h>

#include "block.h"
#include "scratch.h"

/* Measured in float32 on 4 M items: with fewer candidates, or more of them kept, both ways take about the same time. */
#define CANDIDATES_MIN 4096
#define CANDIDATES_PER_KEPT 8
/* With more finalists than that, the second pass would cost what the first one saves. */
#define CANDIDATES_PER_FINALIST 4

typedef struct {
  float *upper;        /* [N] no exact score is higher; NaN = no row */
  uint32_t *positions; /* [N + 1] of finalists, counted from the pass's first candidate */
  size_t count;
  uint32_t *rows; /* what the second pass reads: [N / 4 + 1] each */
  float *columns;
  pr_join join;
} finalists;

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t lay_out(finalists *f, const pr_input *input, size_t n, uint8_t *at) {
  size_t end = 0, most = n / CANDIDATES_PER_FINALIST + 1;
#define PLACE(field, bytes)            \
  do {                                 \
    if (f) field = (void *)(at + end); \
    end += round_up(bytes);            \
    if (f) PR_FENCE(at + end);         \
    end += PR_FENCE_BYTES;             \
  } while (0)
  PLACE(f->upper, sizeof(float) * n);
  PLACE(f->positions, sizeof(uint32_t) * (n + 1));
  PLACE(f->rows, sizeof(uint32_t) * most);
  PLACE(f->columns, sizeof(float) * most * input->formula->columns);
  PLACE(f->join.positions, sizeof(uint32_t) * most);
  PLACE(f->join.counts, sizeof(float) * (most + 1) * input->formula->cross);
#undef PLACE
  return end;
}

size_t pr_two_pass_scratch_bytes(const pr_input *input, size_t n) {
  return input->table->sketch_stride ? lay_out(NULL, input, n, NULL) : 0;
}

static bool pays(const pr_block *pass) {
  const pr_output *out = pass->output;
  size_t n = pass->end - pass->from;
  if (pass->input->table->sketch_stride == 0 || !out->best || out->scores || out->raw || out->transformed) return false;
  return n >= CANDIDATES_MIN && out->best->kept_max > 0 && out->best->kept_max <= n / CANDIDATES_PER_KEPT;
}

/* What is unknown may be anything. */
static void score_bounds(const pr_block *b, const float *scores, float *lower, float *upper) {
  const float *drifts = b->w->drifts;
  for (size_t i = 0; i < b->n; i++) {
    lower[i] = drifts[i] < INFINITY ? scores[i] - drifts[i] : -INFINITY;
    upper[i] = drifts[i] < INFINITY ? scores[i] + drifts[i] : INFINITY;
    upper[i] = pr_block_has_row(b, i) ? upper[i] : NAN;
  }
}

/* Returns what at least K exact scores reach. */
static float coarse_pass(pr_block b, float *upper) {
  static const pr_output nothing;
  float lower[PR_BLOCK];
  pr_best *best = b.output->best;
  b.output = &nothing;
  b.sketched = true;
  while (pr_block_next(&b)) {
    score_bounds(&b, pr_block_scores(&b), lower, upper + (b.first - b.from));
    pr_best_add(best, lower, b.input->rows + b.first, b.input->table->rows, b.n, b.first);
  }
  pr_best_finish(best);
  float bound = best->count < best->kept_max ? -INFINITY : pr_best_score(best->keys[best->count - 1]);
  pr_best_restart(best);
  return bound;
}

static void choose(finalists *f, float bound, size_t n) {
  f->count = 0;
  for (size_t i = 0; i < n; i++) {
    f->positions[f->count] = (uint32_t)i;
    f->count += f->upper[i] >= bound;
  }
}

/* The finalists among the hits; both ascend. */
static void choose_hits(finalists *f, const pr_join *all) {
  pr_join *join = &f->join;
  uint32_t cross = join->cross = all->cross;
  join->count = 0;
  for (size_t i = 0, hit = 0; i < f->count; i++) {
    while (hit < all->count && all->positions[hit] < f->positions[i]) hit++;
    if (hit == all->count) return;
    if (all->positions[hit] != f->positions[i]) continue;
    join->positions[join->count++] = (uint32_t)i;
    memcpy(join->counts + join->count * cross, all->counts + (1 + hit) * cross, sizeof(float) * cross);
  }
}

/* One pass over the finalists as if there were no others; their positions are put right afterwards. */
static void final_pass(const pr_block *pass, finalists *f) {
  const float *columns[PR_COLUMNS_MAX] = {NULL};
  pr_input input = *pass->input;
  for (size_t i = 0; i < f->count; i++) f->rows[i] = input.rows[pass->from + f->positions[i]];
  for (uint32_t u = 0; u < input.formula->columns; u++) {
    const float *all = input.columns[u];
    float *some = f->columns + u * f->count;
    for (size_t i = 0; all && i < f->count; i++) some[i] = all[pass->from + f->positions[i]];
    columns[u] = all ? some : NULL;
  }
  input.rows = f->rows, input.columns = columns, input.n = f->count;
  choose_hits(f, pass->join);
  pr_exact_pass((pr_block){.input = &input, .output = pass->output, .w = pass->w, .join = &f->join, .end = f->count});
  pr_best *best = pass->output->best;
  for (size_t i = 0; i < best->count; i++) {
    size_t position = pass->from + f->positions[pr_best_position(best->keys[i])];
    best->keys[i] = best->keys[i] >> 32 << 32 | position;
  }
}

bool pr_two_pass(const pr_block *pass, void *scratch) {
  const pr_input *input = pass->input;
  pr_best *best = pass->output->best;
  size_t n = pass->end - pass->from;
  finalists f;
  if (!pays(pass) || !pr_sketch_prepare(&pass->w->sketch, input->table, input->query)) return false;
  pr_drift_prepare(&pass->w->drift, input->formula, pass->w->sketch.error);
  lay_out(&f, input, n, scratch);
  float bound = coarse_pass(*pass, f.upper);
  choose(&f, bound, n);
  if (f.count > n / CANDIDATES_PER_FINALIST) return false;
  final_pass(pass, &f);
  pr_best_finish(best);
  /* A K-th score below what K scores reach: the table's bytes do not keep the error that its header promises. */
  bool kept = bound == -INFINITY || (best->count == best->kept_max && pr_best_score(best->keys[best->count - 1]) >= bound);
  if (!kept) pr_best_restart(best);
  return kept;
}
