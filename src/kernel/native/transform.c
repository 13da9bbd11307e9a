/* Transforms of docs/formats.md §4 on arrays of one feature. */
#include <math.h>

#include "core.h"
#include "vec.h"

/*
 * log1p(t) for t ≥ 0, relative error below 2e-7: log(u) of u = 1 + t by exponent and polynomial (Cephes logf), plus what
 * rounding took from u, which matters below 1 only.
 */
INLINE void vf_log1p(vf *out, const vf *t) {
  vf u = 1.0f + *t;
  vf zero = {0};
  vf lost = *t - (u - 1.0f);
  vi small = *t < 1.0f;
  vf_select(&lost, &small, &lost, &zero);
  vi bits = (vi)u - 0x3f3504f3;
  vi exponent = bits >> 23;
  vf m = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
  vf e = __builtin_convertvector(exponent, vf);
  vf z = m * m;
  vf p = 7.0376836292e-2f * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  vf y = p * m * z - 2.12194440e-4f * e - 0.5f * z + lost;
  vf result = m + y + 0.693359375f * e;
  vi finite = *t < INFINITY;
  vf_select(out, &finite, &result, t);
}

CLONES void pr_transform_apply(const pr_transform *f, float *values, size_t n) {
  vf zero = {0}, missing, high, low;
  vf_fill(&missing, f->missing);
  vf_fill(&high, f->clip);
  vf_fill(&low, -f->clip);
  for (size_t i = 0; i < n; i += LANES) {
    float padded[LANES] __attribute__((aligned(VEC_BYTES))) = {0};
    size_t count = n - i < LANES ? n - i : LANES;
    float *at = count == LANES ? values + i : memcpy(padded, values + i, count * sizeof(float));
    vf x = *(vf_any *)at * f->scale;
    vi number = x == x;
    if (f->log1p) {
      vi positive = x > 0.0f;
      vf_select(&x, &positive, &x, &zero);
      vf_log1p(&x, &x);
    }
    vf y = (x - f->mean) / f->std;
    number &= y == y;
    vi above = y > high;
    vf_select(&y, &above, &high, &y);
    vi below = y < low;
    vf_select(&y, &below, &low, &y);
    vf_select(&y, &number, &y, &missing);
    *(vf_any *)at = y;
    if (at == padded) memcpy(values + i, padded, count * sizeof(float));
  }
}
