/* The packed formula (pack_formula.ts): counts, priors, transforms, layers, all as float32. */
#include "core.h"

typedef struct {
  const float *at, *end;
  bool ok;
} reader;

static const float *take(reader *r, size_t count) {
  if (!r->ok || (size_t)(r->end - r->at) < count) {
    r->ok = false;
    return NULL;
  }
  const float *at = r->at;
  r->at += count;
  return at;
}

static uint32_t take_count(reader *r, uint32_t limit) {
  const float *value = take(r, 1);
  if (!value || !(*value >= 0 && *value <= limit)) {
    r->ok = false;
    return 0;
  }
  return (uint32_t)*value;
}

static void take_transform(reader *r, pr_transform *transform) {
  const float *v = take(r, 6);
  if (v) *transform = (pr_transform){v[0] != 0, v[1], v[2], v[3], v[4], v[5]};
}

static void take_layer(reader *r, pr_layer *layer, uint32_t inputs) {
  layer->inputs = inputs;
  layer->outputs = take_count(r, PR_HIDDEN_MAX);
  layer->bias = take(r, layer->outputs);
  layer->weights = take(r, (size_t)inputs * layer->outputs);
  if (layer->outputs == 0) r->ok = false;
}

bool pr_formula_parse(pr_formula *formula, const float *packed, size_t count) {
  reader r = {packed, packed + count, true};
  formula->cross = take_count(&r, PR_CROSS_MAX);
  formula->scalars = take_count(&r, PR_COLUMNS_MAX);
  formula->columns = take_count(&r, PR_COLUMNS_MAX);
  formula->layers = take_count(&r, PR_LAYERS_MAX);
  const float *priors = take(&r, formula->cross);
  for (uint32_t f = 0; r.ok && f < formula->cross; f++) formula->prior[f] = priors[f];
  uint32_t transforms = formula->cross + formula->scalars + formula->columns;
  for (uint32_t t = 0; r.ok && t < transforms; t++) take_transform(&r, &formula->transform[t]);
  uint32_t inputs = 1 + transforms;
  for (uint32_t l = 0; r.ok && l < formula->layers; l++) {
    take_layer(&r, &formula->layer[l], inputs);
    inputs = formula->layer[l].outputs;
  }
  return r.ok && formula->layers > 0 && inputs == 1 && r.at == r.end;
}
