/*
 * Dot products with sketches. The scales of the sketch are folded into the query, which is then rounded to 16-bit levels, so
 * that a product is a sum of integers: exact in any order, and one multiply-add instruction takes 16 components of a
 * sketch (GCC and Clang find it for the plain loop below). The levels are small enough that sums stay below 2^31.
 */
#include <math.h>

#include "core.h"
#include "vec.h"

/* Half the distance of 1 to the next float: how much an operation rounds at most, relative to its result. */
#define UNIT 0x1p-24
#define SKETCH_LEVEL_MAX 128
#define STEP_DIMS 32

INLINE const int8_t *sketch_at(const pr_table *t, uint32_t row) {
  return (const int8_t *)t->base + t->sketch_at + (size_t)(row < t->rows ? row : 0) * t->sketch_stride;
}

static uint32_t levels_of(uint32_t dims) {
  uint32_t most = ((1u << 24) - 1) / dims;
  return most < INT16_MAX ? most : INT16_MAX;
}

/*
 * What one dot product of pr_dots may be off by: D products and D + 8 additions of floats whose magnitudes sum to at most
 * `magnitude`, and what underflows, times the factor of halves (see the head of dot.c).
 */
static double rounding_of_dots(const pr_table *t, double magnitude, double largest) {
  double underflow = t->dtype != PR_FLOAT16 ? 0x1p-138 : largest < 0x1p70 ? 0x1p-82 : 0x1p-26;
  return (2.0 * t->dims + 16) * UNIT * magnitude + underflow;
}

/*
 * For a row r, its sketch s and the levels' products: r is within sketch_error of s, so the products of both with the query are
 * within ‖query‖ · sketch_error (Cauchy-Schwarz); rounding the query to levels adds what it takes from each dim; and
 * both ways of summing round.
 */
bool pr_sketch_prepare(pr_sketch_query *prepared, const pr_table *t, const float *query) {
  const float *scales = (const float *)(t->base + t->scales_at);
  double squares = 0, folded_max = 0, folded_sum = 0, largest = 0, lost = 0;
  for (uint32_t d = 0; d < t->dims; d++) {
    double folded = fabs((double)query[d] * scales[d]);
    squares += (double)query[d] * query[d];
    folded_sum += folded;
    folded_max = fmax(folded_max, folded);
    largest = fmax(largest, fabsf(query[d]));
  }
  double spread = sqrt(squares) * t->sketch_error;
  double magnitude = SKETCH_LEVEL_MAX * folded_sum + spread;
  if (!(magnitude < 0x1p120)) return false;
  uint32_t levels = levels_of(t->dims);
  prepared->step = (float)(folded_max / levels);
  memset(prepared->levels, 0, sizeof prepared->levels);
  for (uint32_t d = 0; d < t->dims; d++) {
    double folded = (double)query[d] * scales[d];
    double level = prepared->step > 0 ? rint(folded / prepared->step) : 0;
    level = fmax(-(double)levels, fmin(levels, level));
    prepared->levels[d] = (int16_t)level;
    lost += fabs(folded - level * prepared->step);
  }
  double rounding = 4 * UNIT * (magnitude + SKETCH_LEVEL_MAX * lost) + rounding_of_dots(t, magnitude, largest);
  prepared->error = (spread + SKETCH_LEVEL_MAX * lost + rounding) * (1 + 0x1p-20);
  return true;
}

INLINE void prefetch_sketch(const pr_table *t, uint32_t row) {
  const uint8_t *at = (const uint8_t *)sketch_at(t, row);
  const uint8_t *line = at - ((uintptr_t)at & 63);
  for (; line < at + t->sketch_stride; line += 64) __builtin_prefetch(line, 0, 2);
}

void pr_prefetch_sketches(const pr_table *t, const uint32_t *rows, size_t n) {
  for (size_t i = 0; i < n; i++) prefetch_sketch(t, rows[i]);
}

INLINE int32_t dot_levels(const int16_t *levels, const int8_t *sketch, uint32_t dims) {
  int32_t sum = 0;
  for (uint32_t d = 0; d < dims; d++) sum += levels[d] * sketch[d];
  return sum;
}

/* `dims` apart from the table: a constant makes the compiler unroll. */
INLINE void dots(const pr_table *t, const pr_sketch_query *q, const uint32_t *rows, size_t n, pr_ahead ahead, float *out,
                 uint32_t dims) {
  for (size_t i = 0; i < n; i++) {
    size_t next = i + PR_PREFETCH_SKETCHES;
    if (next >= ahead.asked && next < ahead.readable) prefetch_sketch(t, rows[next]);
    out[i] = (float)dot_levels(q->levels, sketch_at(t, rows[i]), dims) * q->step;
  }
}

CLONES void pr_sketch_dots(const pr_table *t, const pr_sketch_query *q, const uint32_t *rows, size_t n, pr_ahead ahead,
                           float *out) {
  uint32_t whole = (t->dims + STEP_DIMS - 1) / STEP_DIMS * STEP_DIMS;
  if (whole == 64) dots(t, q, rows, n, ahead, out, 64);
  else dots(t, q, rows, n, ahead, out, whole);
}
