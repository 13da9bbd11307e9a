/*
 * Dense layers on blocks of candidates. Features and hidden units are rows of PR_BLOCK floats, one lane per candidate,
 * so nothing is ever summed across lanes; four outputs share every load.
 */
#include "core.h"
#include "vec.h"

#define OUTPUTS 4

/* `count` ≤ OUTPUTS outputs from `first` on; a constant count keeps the sums in registers. */
INLINE void apply_outputs(const pr_layer *layer, const float *in, float *out, size_t n, bool relu, uint32_t first,
                          uint32_t count) {
  vf zero = {0};
  for (size_t i = 0; i < n; i += LANES) {
    vf sum[OUTPUTS] = {{0}};
    for (uint32_t o = 0; o < count; o++) sum[o] = layer->bias[first + o] - (vf){0};
    for (uint32_t f = 0; f < layer->inputs; f++) {
      vf x = *(const vf_any *)(in + (size_t)f * PR_BLOCK + i);
      for (uint32_t o = 0; o < count; o++) sum[o] += x * layer->weights[(first + o) * layer->inputs + f];
    }
    for (uint32_t o = 0; o < count; o++) {
      vi negative = sum[o] < 0.0f;
      if (relu) vf_select(&sum[o], &negative, &zero, &sum[o]);
      *(vf_any *)(out + (size_t)(first + o) * PR_BLOCK + i) = sum[o];
    }
  }
}

/* `in` and `out` have PR_BLOCK floats per row; whole vectors are written. */
CLONES void pr_layer_apply(const pr_layer *layer, const float *in, float *out, size_t n, bool relu) {
  uint32_t first = 0;
  for (; first + OUTPUTS <= layer->outputs; first += OUTPUTS) {
    apply_outputs(layer, in, out, n, relu, first, OUTPUTS);
  }
  for (; first < layer->outputs; first++) apply_outputs(layer, in, out, n, relu, first, 1);
}
