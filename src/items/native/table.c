#include "table.h"

bool pr_table_fits(const pr_table *t) {
  static const size_t value_bytes[] = {4, 2, 1};
  if (t->dims < 1 || t->dims > PR_DIMS_MAX || t->scalars > PR_SCALARS_MAX || t->dtype > PR_INT8) return false;
  size_t vector_bytes = (t->dims * value_bytes[t->dtype] + 3) / 4 * 4;
  size_t stride = vector_bytes + (t->dtype == PR_INT8 ? 4 : 0) + 4 * t->scalars;
  if (t->row_stride != stride || t->buckets < 1 || t->buckets > PR_ROWS_MAX) return false;
  if (t->rows > PR_ROWS_MAX || t->probes < 1 || t->probes > PR_PROBES_MAX) return false;
  size_t rows_bytes = t->rows * stride;
  size_t index_bytes = t->buckets * (size_t)PR_BUCKET_BYTES;
  if (t->rows_at % 64 || t->index_at % 64 || t->rows_at > t->bytes || t->index_at > t->bytes) return false;
  /* Vectors are read in whole lanes: the index stands behind the rows, so that stays within the file. */
  return rows_bytes <= t->index_at && t->rows_at <= t->index_at - rows_bytes && index_bytes <= t->bytes - t->index_at;
}
