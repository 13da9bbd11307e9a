/*
 * How far a score can drift when its dot product is off by at most E: a bound per candidate, computed beside its score.
 *
 * As a function of the dot product the score is a broken line. Its slope is a sum over the units of the first hidden layer
 * that are on, of each one's weight of the dot times what the later layers make of the unit; these know nothing of their own
 * units, so that is an interval over all of them being on or off. A unit that might change within E counts on or off, whichever is
 * worse. Knowing the first layer's units is what makes the bound useful: for a random MLP of 16 units it is a ninth of the
 * product of the weights' magnitudes, and 2 % of the candidates are left instead of 56.
 *
 * On top comes what floats round: the score was computed twice, from either dot product. Bounds are doubles, whose own
 * rounding the margins cover many times.
 */
#include <math.h>

#include "core.h"
#include "vec.h"

#define UNIT 0x1p-24
#define MARGIN (1 + 0x1p-20)
/* More than underflow can take from any sum here. */
#define TINY 0x1p-138
/* Sums below that do not overflow, however they are rounded. */
#define SAFE 0x1p120

typedef struct {
  double low, high;
} interval;

static interval times(interval a, double factor) {
  interval one = {a.low * factor, a.high * factor}, other = {one.high, one.low};
  return factor < 0 ? other : one;
}

/* What the layers from `first` on make of each of their inputs: the score's slopes in them. */
static void slopes_from(const pr_formula *formula, uint32_t first, interval *slopes) {
  interval outputs[PR_HIDDEN_MAX] = {{1, 1}};
  for (uint32_t l = formula->layers; l-- > first;) {
    const pr_layer *layer = &formula->layer[l];
    for (uint32_t i = 0; i < layer->inputs; i++) {
      slopes[i] = (interval){0, 0};
      for (uint32_t o = 0; o < layer->outputs; o++) {
        interval one = times(outputs[o], layer->weights[(size_t)o * layer->inputs + i]);
        slopes[i].low += one.low, slopes[i].high += one.high;
      }
    }
    /* Units are on or off. */
    for (uint32_t i = 0; l > first && i < layer->inputs; i++) {
      outputs[i] = (interval){fmin(slopes[i].low, 0), fmax(slopes[i].high, 0)};
    }
  }
}

void pr_drift_prepare(pr_drift *drift, const pr_formula *formula, double dot_error) {
  const pr_layer *layer = &formula->layer[0];
  interval slopes[PR_WIDTH_MAX];
  *drift = (pr_drift){.formula = formula, .dot_error = dot_error};
  if (formula->layers == 1) {
    drift->all = fabs(layer->weights[0] * dot_error);
    return;
  }
  slopes_from(formula, 1, slopes);
  drift->units = layer->outputs;
  for (uint32_t unit = 0; unit < drift->units; unit++) {
    interval most = times(slopes[unit], layer->weights[(size_t)unit * layer->inputs] * dot_error);
    drift->low[unit] = (float)most.low, drift->high[unit] = (float)most.high;
    drift->all += fmax(fabs(most.low), fabs(most.high));
  }
}

/*
 * Each of the two evaluations of an output rounds inputs + 1 sums and as many products, none larger than `size`. `apart` is
 * how far rounding alone has brought them by then.
 */
bool pr_drift_block(pr_drift *drift, const float *magnitudes) {
  const pr_formula *formula = drift->formula;
  double magnitude[PR_WIDTH_MAX], apart[PR_WIDTH_MAX] = {0};
  double next_magnitude[PR_HIDDEN_MAX], next_apart[PR_HIDDEN_MAX];
  for (uint32_t f = 0; f < formula->layer[0].inputs; f++) magnitude[f] = magnitudes[f];
  magnitude[0] += drift->dot_error;
  for (uint32_t l = 0; l < formula->layers; l++) {
    const pr_layer *layer = &formula->layer[l];
    double rounding = (2.0 * layer->inputs + 4) * UNIT;
    for (uint32_t o = 0; o < layer->outputs; o++) {
      const float *weights = layer->weights + (size_t)o * layer->inputs;
      double size = fabsf(layer->bias[o]), carried = 0;
      for (uint32_t i = 0; i < layer->inputs; i++) {
        size += fabsf(weights[i]) * magnitude[i];
        carried += fabsf(weights[i]) * apart[i];
      }
      if (!(size < SAFE)) return false;
      next_magnitude[o] = size * (1 + rounding);
      next_apart[o] = carried + 2 * rounding * size + TINY;
      if (l > 0) continue;
      float margin = (float)((fabsf(weights[0]) * drift->dot_error + next_apart[o]) * MARGIN);
      drift->falls_above[o] = drift->low[o] < 0 ? -margin : margin;
      drift->rises_above[o] = drift->high[o] > 0 ? -margin : margin;
    }
    memcpy(magnitude, next_magnitude, layer->outputs * sizeof *magnitude);
    memcpy(apart, next_apart, layer->outputs * sizeof *apart);
  }
  /* Sums over units round as well, and so does whoever adds the drift to a score. */
  double sums = 2 * PR_HIDDEN_MAX * UNIT * drift->all + 4 * UNIT * (magnitude[0] + drift->all);
  drift->rounding = (float)((apart[0] + sums + (drift->units ? 0 : drift->all)) * MARGIN);
  return true;
}

/* Vectors of candidates at a time: enough for each unit's constants to be worth loading, and for sums to stay in registers. */
#define TILE 4

INLINE void apply_tile(const pr_drift *drift, float *hidden, float *drifts) {
  vf zero = {0}, low[TILE], high[TILE], constant;
  for (int v = 0; v < TILE; v++) low[v] = high[v] = zero;
  for (uint32_t unit = 0; unit < drift->units; unit++) {
    vf falls_above, rises_above, fall, rise;
    vf_fill(&falls_above, drift->falls_above[unit]);
    vf_fill(&rises_above, drift->rises_above[unit]);
    vf_fill(&fall, drift->low[unit]);
    vf_fill(&rise, drift->high[unit]);
    for (int v = 0; v < TILE; v++) {
      vf_any *at = (vf_any *)(hidden + unit * PR_BLOCK + v * LANES);
      vf value = *at;
      vi falls = value > falls_above, rises = value > rises_above, off = value < 0.0f;
      low[v] += (vf)(falls & (vi)fall);
      high[v] += (vf)(rises & (vi)rise);
      vf_select(&value, &off, &zero, &value);
      *at = value;
    }
  }
  vf_fill(&constant, drift->rounding);
  for (int v = 0; v < TILE; v++) {
    vf down = -low[v];
    vi falls = down > high[v];
    vf_select(&high[v], &falls, &down, &high[v]);
    *(vf_any *)(drifts + v * LANES) = high[v] + constant;
  }
}

CLONES void pr_drift_apply(const pr_drift *drift, float *hidden, size_t n, float *drifts) {
  for (size_t i = 0; i < n; i += TILE * LANES) apply_tile(drift, hidden + i, drifts + i);
}

CLONES float pr_magnitude(const float *values, size_t n) {
  int32_t largest = 0;
  for (size_t i = 0; i < n; i++) {
    int32_t bits;
    memcpy(&bits, values + i, 4);
    bits &= INT32_MAX;
    largest = bits > largest ? bits : largest;
  }
  float magnitude;
  memcpy(&magnitude, &largest, 4);
  return magnitude;
}
