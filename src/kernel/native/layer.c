/*
 * Dense layers on blocks of candidates. Features and hidden units are rows of PR_BLOCK floats, one lane per candidate, so
 * nothing is ever summed across lanes. A tile of outputs × vectors is kept in eight registers: enough independent sums
 * to hide the latency of multiply-add, for wide layers as for the last one, which has one output.
 */
#include "core.h"
#include "vec.h"

#define TILE 8

/* `outputs` × `vectors` = TILE are constants where this is inlined. */
INLINE void apply_tile(const pr_layer *layer, const float *in, float *out, bool relu, size_t outputs, size_t vectors) {
  vf zero = {0};
  vf sum[TILE];
  const float *weights = layer->weights;
  const size_t inputs = layer->inputs;
  for (size_t o = 0; o < outputs; o++) {
    for (size_t v = 0; v < vectors; v++) vf_fill(&sum[o * vectors + v], layer->bias[o]);
  }
  for (size_t f = 0; f < inputs; f++) {
    for (size_t o = 0; o < outputs; o++) {
      for (size_t v = 0; v < vectors; v++) {
        sum[o * vectors + v] += *(const vf_any *)(in + f * PR_BLOCK + v * LANES) * weights[o * inputs + f];
      }
    }
  }
  for (size_t o = 0; o < outputs; o++) {
    for (size_t v = 0; v < vectors; v++) {
      vf *s = &sum[o * vectors + v];
      vi negative = *s < 0.0f;
      if (relu) vf_select(s, &negative, &zero, s);
      *(vf_any *)(out + o * PR_BLOCK + v * LANES) = *s;
    }
  }
}

INLINE void apply_outputs(const pr_layer *layer, const float *in, float *out, size_t n, bool relu, size_t first,
                          size_t outputs) {
  const pr_layer part = {layer->inputs, (uint32_t)outputs, layer->weights + first * layer->inputs, layer->bias + first};
  const size_t vectors = TILE / outputs;
  for (size_t i = 0; i < n; i += vectors * LANES) {
    apply_tile(&part, in + i, out + first * PR_BLOCK + i, relu, outputs, vectors);
  }
}

/* `in` and `out` have PR_BLOCK floats per row; whole tiles are read and written. */
CLONES void pr_layer_apply(const pr_layer *layer, const float *in, float *out, size_t n, bool relu) {
  size_t first = 0;
  for (; first + 4 <= layer->outputs; first += 4) apply_outputs(layer, in, out, n, relu, first, 4);
  for (; first < layer->outputs; first++) apply_outputs(layer, in, out, n, relu, first, 1);
}
