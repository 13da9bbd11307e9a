#include "table.h"

static size_t padded(size_t bytes) { return (bytes + 3) / 4 * 4; }

/* Whether `bytes` at a multiple of 64 end where `end` starts, at the latest. */
static bool before(size_t at, size_t bytes, size_t end) { return at % 64 == 0 && bytes <= end && at <= end - bytes; }

/* An error that is not finite would only cost time: nothing could be proven with it. */
static bool sketch_fits(const pr_table *t) {
  if (t->sketch_stride == 0) return true;
  size_t least = padded(t->dims) + 4 * t->scalars;
  if (t->dtype == PR_INT8 || t->sketch_stride % 4 || t->sketch_stride < least) return false;
  return before(t->scales_at, 4 * t->dims, t->index_at) &&
         before(t->sketch_at, t->rows * (size_t)t->sketch_stride, t->index_at);
}

bool pr_table_fits(const pr_table *t) {
  static const size_t value_bytes[] = {4, 2, 1};
  if (t->dims < 1 || t->dims > PR_DIMS_MAX || t->scalars > PR_SCALARS_MAX || t->dtype > PR_INT8) return false;
  size_t scalar_bytes = t->sketch_stride ? 0 : 4 * t->scalars;
  size_t stride = padded(t->dims * value_bytes[t->dtype]) + (t->dtype == PR_INT8 ? 4 : 0) + scalar_bytes;
  if (t->row_stride != stride || t->buckets < 1 || t->buckets > PR_ROWS_MAX) return false;
  if (t->rows > PR_ROWS_MAX || t->probes < 1 || t->probes > PR_PROBES_MAX) return false;
  /* Vectors are read in whole lanes: the index stands behind rows and sketches, so that stays within the file. */
  return before(t->index_at, t->buckets * (size_t)PR_BUCKET_BYTES, t->bytes) &&
         before(t->rows_at, t->rows * stride, t->index_at) && sketch_fits(t);
}
