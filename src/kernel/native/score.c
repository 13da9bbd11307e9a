/* A call of the scoring pipeline over some of the candidates: join, then one pass or two over the blocks. */
#include <math.h>
#include <string.h>

#include "block.h"
#include "scratch.h"

static size_t workspace_bytes(void) { return (sizeof(pr_workspace) + 63) / 64 * 64 + PR_FENCE_BYTES; }

static size_t join_bytes(const pr_input *input, size_t n) {
  return pr_join_scratch_bytes(input->blobs, input->blob_count, input->formula->cross, n);
}

size_t pr_score_scratch_bytes(const pr_input *input, size_t n) {
  return workspace_bytes() + join_bytes(input, n) + pr_two_pass_scratch_bytes(input, n);
}

void pr_exact_pass(pr_block b) {
  const pr_output *out = b.output;
  while (pr_block_next(&b)) {
    const float *scores = pr_block_scores(&b);
    if (out->best) pr_best_add(out->best, scores, b.input->rows + b.first, b.input->table->rows, b.n, b.first);
    for (size_t i = 0; out->scores && i < b.n; i++) {
      out->scores[b.first + i] = pr_block_has_row(&b, i) ? scores[i] : NAN;
    }
  }
}

static void score_nothing(const pr_input *input, size_t from, size_t to, const pr_output *output) {
  uint32_t width = pr_width(input->formula);
  if (output->scores) pr_fill(output->scores + from, to - from, NAN);
  if (output->raw) pr_fill(output->raw + from * width, (to - from) * width, NAN);
  if (output->transformed) pr_fill(output->transformed + from * width, (to - from) * width, NAN);
}

void pr_score(const pr_input *input, size_t from, size_t to, const pr_output *output, void *scratch) {
  pr_workspace *w = scratch;
  uint8_t *join_scratch = (uint8_t *)scratch + workspace_bytes();
  if (input->table->rows == 0) {
    score_nothing(input, from, to, output);
    return;
  }
  pr_workspace_prepare(w, input);
  PR_FENCE(join_scratch - PR_FENCE_BYTES);
  pr_join_run(&w->join, input->blobs, input->blob_count, input->formula->cross, input->keys + from, to - from,
              join_scratch);
  pr_block pass = {.input = input, .output = output, .w = w, .join = &w->join, .from = from, .first = from, .end = to};
  if (!pr_two_pass(&pass, join_scratch + join_bytes(input, to - from))) pr_exact_pass(pass);
}
