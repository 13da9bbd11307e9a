/*
 * score(call) → Promise<number kept, or { blob, message }>. call = { table, formula, query, keys, rows, columns, blobs: [bytes],
 * features: [Int16Array], checked: Uint8Array, parts, inline } and where to write: { positions, scores } for the best k =
 * positions.length, or any of { all }, { raw, transformed }.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../items/native/napi_help.h"
#include "call.h"
#include "core.h"
#include "job.h"
#include "scratch.h"

typedef struct {
  pr_job job;
  pr_mapped *mapped;
  pr_formula formula;
  pr_input input;
  const float *columns[PR_COLUMNS_MAX];
  pr_blob_source *sources;
  pr_blob *blobs;
  size_t blob_count;
  double totals[PR_CROSS_MAX];
  void *part_scratch[PR_PARTS_MAX];
  pr_best best[PR_PARTS_MAX];
  uint32_t *positions;
  float *scores;
  size_t k;
  pr_output output; /* without `best` */
  int32_t bad_blob;
  char error[PR_ERROR_BYTES];
} score_job;

static bool fail(score_job *s, const char *message) {
  s->bad_blob = PR_NO_BLOB;
  snprintf(s->error, sizeof s->error, "%s", message);
  return false;
}

static bool parse_blobs(score_job *s) {
  for (size_t b = 0; b < s->blob_count; b++) {
    s->bad_blob = (int32_t)b;
    if (!pr_blob_parse(&s->blobs[b], &s->sources[b], s->error)) return false;
  }
  return true;
}

static bool prepare_part(score_job *s, uint32_t part) {
  size_t from, to;
  pr_part_range(s->input.n, s->job.parts, part, &from, &to);
  /* The first part's buffer takes the other parts' best at the end. */
  size_t n = part == 0 ? s->input.n : to - from;
  size_t k = s->k < n ? s->k : n;
  size_t score_bytes = pr_score_scratch_bytes(&s->input, to - from);
  uint8_t *scratch = pr_scratch_take(score_bytes + pr_best_scratch_bytes(k, n));
  if (!scratch) return fail(s, "out of memory");
  s->part_scratch[part] = scratch;
  pr_best_start(&s->best[part], k, n, scratch + score_bytes);
  return true;
}

static bool prepare(pr_job *job) {
  score_job *s = (score_job *)job;
  if (!parse_blobs(s)) return false;
  s->input.blobs = s->blobs;
  s->input.blob_count = s->formula.cross > 0 ? s->blob_count : 0;
  s->input.totals = s->totals;
  pr_totals(s->blobs, s->blob_count, s->formula.cross, s->totals);
  for (uint32_t part = 0; part < job->parts; part++) {
    if (!prepare_part(s, part)) return false;
  }
  return true;
}

static void run(pr_job *job, uint32_t part) {
  score_job *s = (score_job *)job;
  size_t from, to;
  pr_part_range(s->input.n, job->parts, part, &from, &to);
  pr_output output = s->output;
  if (s->positions) output.best = &s->best[part];
  pr_score(&s->input, from, to, &output, s->part_scratch[part]);
  pr_best_finish(&s->best[part]);
}

static void finish(pr_job *job) {
  score_job *s = (score_job *)job;
  if (!s->positions) return;
  pr_best *best = &s->best[0];
  for (uint32_t part = 1; part < job->parts; part++) pr_best_merge(best, &s->best[part]);
  pr_best_finish(best);
  for (size_t i = 0; i < best->count; i++) {
    s->positions[i] = pr_best_position(best->keys[i]);
    s->scores[i] = pr_best_score(best->keys[i]);
  }
}

static napi_value result(napi_env env, pr_job *job) {
  score_job *s = (score_job *)job;
  napi_value kept;
  if (!job->prepared) return pr_call_failure(env, s->bad_blob, s->error);
  napi_create_uint32(env, s->positions ? (uint32_t)s->best[0].count : 0, &kept);
  return kept;
}

static void release(pr_job *job) {
  score_job *s = (score_job *)job;
  for (uint32_t part = 0; part < PR_PARTS_MAX; part++) pr_scratch_give(s->part_scratch[part]);
  if (s->mapped) pr_mapped_release(s->mapped);
  free(s->sources);
  free(s->blobs);
  free(s);
}

static const pr_job_kind KIND = {prepare, run, finish, result, release};

static bool read_formula(napi_env env, napi_value call, score_job *s) {
  void *packed;
  size_t length;
  return pr_call_array(env, call, "formula", napi_float32_array, &packed, &length) &&
         pr_formula_parse(&s->formula, packed, length);
}

static bool read_candidates(napi_env env, napi_value call, score_job *s) {
  size_t keys_length, query_length;
  const pr_table *table = pr_mapped_table(s->mapped);
  pr_input *in = &s->input;
  in->table = table;
  in->formula = &s->formula;
  in->columns = s->columns;
  return pr_call_array(env, call, "rows", napi_uint32_array, (void **)&in->rows, &in->n) &&
         pr_call_array(env, call, "keys", napi_biguint64_array, (void **)&in->keys, &keys_length) &&
         pr_call_array(env, call, "query", napi_float32_array, (void **)&in->query, &query_length) &&
         keys_length == in->n && in->n < PR_NO_ROW && query_length == table->dims &&
         s->formula.scalars == table->scalars;
}

static bool read_columns(napi_env env, napi_value call, score_job *s) {
  napi_value columns, column;
  napi_valuetype type;
  uint32_t count;
  if (napi_get_named_property(env, call, "columns", &columns) != napi_ok) return false;
  if (napi_get_array_length(env, columns, &count) != napi_ok || count != s->formula.columns) return false;
  for (uint32_t u = 0; u < count; u++) {
    size_t length;
    if (napi_get_element(env, columns, u, &column) != napi_ok || napi_typeof(env, column, &type) != napi_ok) return false;
    if (type == napi_null) continue;
    if (!pr_typed(env, column, napi_float32_array, (void **)&s->columns[u], &length) || length != s->input.n) return false;
  }
  return true;
}

static bool read_blob(napi_env env, napi_value bytes, napi_value features, score_job *s, uint32_t index) {
  pr_blob_source *source = &s->sources[index];
  if (!pr_typed(env, bytes, napi_uint8_array, (void **)&source->bytes, &source->length)) return false;
  if (!pr_typed(env, features, napi_int16_array, (void **)&source->features, &source->features_length)) return false;
  for (size_t c = 0; c < source->features_length; c++) {
    if (source->features[c] >= (int32_t)s->formula.cross) return false;
  }
  return true;
}

static bool read_blobs(napi_env env, napi_value call, score_job *s) {
  napi_value blobs, features, bytes, map;
  uint32_t count;
  uint8_t *checked;
  size_t checked_length;
  if (napi_get_named_property(env, call, "blobs", &blobs) != napi_ok) return false;
  if (napi_get_named_property(env, call, "features", &features) != napi_ok) return false;
  if (napi_get_array_length(env, blobs, &count) != napi_ok || count > PR_BLOBS_MAX) return false;
  if (!pr_call_array(env, call, "checked", napi_uint8_array, (void **)&checked, &checked_length)) return false;
  if (checked_length != count) return false;
  s->blob_count = count;
  s->sources = calloc(count + 1, sizeof *s->sources);
  s->blobs = calloc(count + 1, sizeof *s->blobs);
  if (!s->sources || !s->blobs) return false;
  for (uint32_t b = 0; b < count; b++) {
    if (napi_get_element(env, blobs, b, &bytes) != napi_ok) return false;
    if (napi_get_element(env, features, b, &map) != napi_ok) return false;
    if (!read_blob(env, bytes, map, s, b)) return false;
    s->sources[b].checked = checked[b] != 0;
  }
  return true;
}

/* Absent outputs stay NULL; those that are there have the length that the input implies. */
static bool read_output(napi_env env, napi_value call, const char *name, size_t expected, float **out) {
  bool has = false;
  size_t length;
  if (napi_has_named_property(env, call, name, &has) != napi_ok) return false;
  if (!has) return true;
  return pr_call_array(env, call, name, napi_float32_array, (void **)out, &length) && length == expected;
}

static bool read_outputs(napi_env env, napi_value call, score_job *s) {
  bool has = false;
  const pr_formula *f = &s->formula;
  size_t width = 1 + f->cross + f->scalars + f->columns;
  if (napi_has_named_property(env, call, "positions", &has) != napi_ok) return false;
  if (has && !pr_call_array(env, call, "positions", napi_uint32_array, (void **)&s->positions, &s->k)) return false;
  return s->k <= s->input.n && read_output(env, call, "scores", s->k, &s->scores) &&
         read_output(env, call, "all", s->input.n, &s->output.scores) &&
         read_output(env, call, "raw", s->input.n * width, &s->output.raw) &&
         read_output(env, call, "transformed", s->input.n * width, &s->output.transformed);
}

napi_value pr_score_export(napi_env env, napi_callback_info info) {
  napi_value call;
  bool on_this_thread = false;
  if (!pr_args(env, info, 1, &call)) return NULL;
  score_job *s = calloc(1, sizeof *s);
  if (!s) return pr_throw(env, "out of memory");
  s->job.kind = &KIND;
  s->mapped = pr_call_table(env, call);
  bool ok = s->mapped && read_formula(env, call, s) && read_candidates(env, call, s) && read_columns(env, call, s) &&
            read_blobs(env, call, s) && read_outputs(env, call, s) &&
            pr_call_parts(env, call, &s->job.parts, &on_this_thread);
  if (!ok) {
    release(&s->job);
    return pr_throw(env, "score: bad call");
  }
  return pr_job_start(env, &s->job, call, on_this_thread);
}
