/* Blocks of candidates on their way through the stages (block.c), and the passes over them. */
#ifndef PRERANK_BLOCK_H
#define PRERANK_BLOCK_H

#include "core.h"

typedef struct {
  float features[PR_WIDTH_MAX][PR_BLOCK];
  float hidden[2][PR_HIDDEN_MAX][PR_BLOCK];
  float hit_values[PR_BLOCK];
  float per_total[PR_CROSS_MAX]; /* 1 / (totals + prior) */
  float unlisted_raw[PR_CROSS_MAX];
  float unlisted[PR_CROSS_MAX];
  pr_query query;
  pr_sketch_query sketch;
  pr_drift drift;
  float drifts[PR_BLOCK]; /* of the scores of a pass over sketches */
  pr_join join;
} pr_workspace;

/* Candidates [first, first + n) of a pass over [from, end), and the hits among them, whose positions count from `from`. */
typedef struct {
  const pr_input *input;
  const pr_output *output;
  pr_workspace *w;
  const pr_join *join;
  bool sketched; /* by sketches, else by rows */
  size_t from, first, n, end;
  size_t hit, hit_count;
  size_t asked, asked_next; /* prefetched rows of this block and the next */
} pr_block;

static inline uint32_t pr_width(const pr_formula *f) { return 1 + f->cross + f->scalars + f->columns; }

static inline bool pr_block_has_row(const pr_block *b, size_t i) {
  return b->input->rows[b->first + i] < b->input->table->rows;
}

static inline void pr_fill(float *values, size_t n, float value) {
  for (size_t i = 0; i < n; i++) values[i] = value;
}

/* What is the same for all blocks. */
void pr_workspace_prepare(pr_workspace *workspace, const pr_input *input);
/* Moves on to the next block of the pass, at first to the first; false at its end. */
bool pr_block_next(pr_block *block);
/* Through all stages; candidates without a row have some score or other. */
const float *pr_block_scores(pr_block *block);

/* Scores by rows, into every output. */
void pr_exact_pass(pr_block pass);

size_t pr_two_pass_scratch_bytes(const pr_input *input, size_t n);
/* The best of the pass without reading every row (two_pass.c); false, with none added, where that does not pay or cannot be
   proven. */
bool pr_two_pass(const pr_block *pass, void *scratch);

#endif
