/*
 * Dot products of one float32 query vector with gathered rows. Random rows cost cache lines and nothing else, so the
 * loop only has to keep enough of them under way: prefetches run PR_PREFETCH_ROWS ahead and aim at the second-level cache,
 * which takes more misses at a time than the first (100k × 256 bytes: 2.0 ms against 3.1 on Zen 4).
 *
 * Narrow components are widened inside 32-bit lanes, by shifts: lane l of a loaded vector holds 4 int8 or 2 halves, part
 * p of all lanes makes one vector, and the query is laid out in that order beforehand. A half h becomes the float
 * with the same bits moved up, which is h · 2^−112, denormals included; the power of two is paid for once, in the query
 * and the result. Tables hold finite components (the writer refuses others), so infinities need no care.
 */
#include <math.h>

#include "core.h"
#include "vec.h"

/* Components per step: one vector for float32, 2 for float16, 4 for int8. */
static uint32_t parts_of(pr_dtype dtype) { return dtype == PR_FLOAT32 ? 1 : dtype == PR_FLOAT16 ? 2 : 4; }

void pr_query_prepare(pr_query *prepared, const pr_table *table, const float *query) {
  uint32_t parts = parts_of(table->dtype);
  uint32_t step = parts * LANES;
  float largest = 0;
  for (uint32_t d = 0; d < table->dims; d++) largest = fmaxf(largest, fabsf(query[d]));
  int shift = table->dtype == PR_FLOAT16 && largest < 0x1p70f ? 56 : 0;
  memset(prepared->values, 0, sizeof prepared->values);
  for (uint32_t d = 0; d < table->dims; d++) {
    uint32_t lane = d % step / parts, part = d % parts;
    prepared->values[d / step * step + part * LANES + lane] = ldexpf(query[d], shift);
  }
  prepared->factor = table->dtype == PR_FLOAT16 ? ldexpf(1, 112 - shift) : 1;
}

INLINE float dot_float32(const float *query, const float *row, uint32_t dims) {
  vf sum = {0}, more = {0};
  uint32_t d = 0;
  for (; d + 2 * LANES <= dims; d += 2 * LANES) {
    sum += *(const vf_any *)(query + d) * *(const vf_any *)(row + d);
    more += *(const vf_any *)(query + d + LANES) * *(const vf_any *)(row + d + LANES);
  }
  for (; d + LANES <= dims; d += LANES) sum += *(const vf_any *)(query + d) * *(const vf_any *)(row + d);
  sum += more;
  float result = vf_sum(&sum);
  for (; d < dims; d++) result += query[d] * row[d];
  return result;
}

INLINE float dot_float16(const float *query, const uint8_t *row, uint32_t dims) {
  vf even = {0}, odd = {0};
  for (uint32_t d = 0; d < dims; d += 2 * LANES) {
    vi pair = *(const vi_any *)(row + 2 * (size_t)d);
    vi first = (pair << 16 >> 3) & (int32_t)0x8fffe000;
    vi second = (pair >> 3) & (int32_t)0x8fffe000;
    even += *(const vf_any *)(query + d) * (vf)first;
    odd += *(const vf_any *)(query + d + LANES) * (vf)second;
  }
  even += odd;
  return vf_sum(&even);
}

INLINE float dot_int8(const float *query, const uint8_t *row, uint32_t dims) {
  vf sum = {0}, more = {0};
  for (uint32_t d = 0; d < dims; d += 4 * LANES) {
    vi four = *(const vi_any *)(row + d);
    sum += *(const vf_any *)(query + d) * __builtin_convertvector(four << 24 >> 24, vf);
    more += *(const vf_any *)(query + d + LANES) * __builtin_convertvector(four << 16 >> 24, vf);
    sum += *(const vf_any *)(query + d + 2 * LANES) * __builtin_convertvector(four << 8 >> 24, vf);
    more += *(const vf_any *)(query + d + 3 * LANES) * __builtin_convertvector(four >> 24, vf);
  }
  sum += more;
  float scale;
  memcpy(&scale, row + (dims + 3) / 4 * 4, 4);
  return vf_sum(&sum) * scale;
}

/* Candidates without a row read row 0; the caller masks their scores. */
INLINE const uint8_t *row_at(const pr_table *t, uint32_t row) {
  return t->base + t->rows_at + (size_t)(row < t->rows ? row : 0) * t->row_stride;
}

/* Every line once: one that is already on its way would take a second place in the queue. */
INLINE void prefetch_row(const pr_table *t, uint32_t row) {
  const uint8_t *at = row_at(t, row);
  const uint8_t *line = at - ((uintptr_t)at & 63);
  for (; line < at + t->row_stride; line += 64) __builtin_prefetch(line, 0, 2);
}

void pr_prefetch_rows(const pr_table *t, const uint32_t *rows, size_t n) {
  for (size_t i = 0; i < n; i++) prefetch_row(t, rows[i]);
}

/* `dims` and `dtype` apart from the table: constants make the compiler unroll. */
INLINE void dots(const pr_table *t, const pr_query *q, const uint32_t *rows, size_t n, pr_ahead ahead, float *out,
                 uint32_t dims, pr_dtype dtype) {
  for (size_t i = 0; i < n; i++) {
    size_t next = i + PR_PREFETCH_ROWS;
    if (next >= ahead.asked && next < ahead.readable) prefetch_row(t, rows[next]);
    const uint8_t *row = row_at(t, rows[i]);
    if (dtype == PR_FLOAT32) out[i] = dot_float32(q->values, (const float *)row, dims);
    if (dtype == PR_FLOAT16) out[i] = dot_float16(q->values, row, dims) * q->factor;
    if (dtype == PR_INT8) out[i] = dot_int8(q->values, row, dims);
  }
}

CLONES void pr_dots(const pr_table *t, const pr_query *q, const uint32_t *rows, size_t n, pr_ahead ahead,
                    float *out) {
  if (t->dtype == PR_FLOAT32) {
    if (t->dims == 64) dots(t, q, rows, n, ahead, out, 64, PR_FLOAT32);
    else dots(t, q, rows, n, ahead, out, t->dims, PR_FLOAT32);
  } else if (t->dtype == PR_FLOAT16) {
    if (t->dims == 64) dots(t, q, rows, n, ahead, out, 64, PR_FLOAT16);
    else dots(t, q, rows, n, ahead, out, t->dims, PR_FLOAT16);
  } else {
    if (t->dims == 64) dots(t, q, rows, n, ahead, out, 64, PR_INT8);
    else dots(t, q, rows, n, ahead, out, t->dims, PR_INT8);
  }
}
