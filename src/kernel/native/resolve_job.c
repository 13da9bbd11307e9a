/* resolve(call) → Promise<[unknown, duplicates]>; call = { table, keys, rows, parts, inline }. Fills rows. */
#include <stdlib.h>

#include "../../items/native/mapped.h"
#include "../../items/native/napi_help.h"
#include "call.h"
#include "core.h"
#include "job.h"
#include "scratch.h"

typedef struct {
  pr_job job;
  pr_mapped *mapped;
  const uint64_t *keys;
  uint32_t *rows;
  size_t n;
  void *scratch;
  pr_resolved counts;
} resolve_job;

static bool prepare(pr_job *job) {
  resolve_job *r = (resolve_job *)job;
  r->scratch = pr_scratch_take(pr_dedupe_scratch_bytes(pr_mapped_table(r->mapped), r->n));
  return r->scratch != NULL;
}

static void run(pr_job *job, uint32_t part) {
  resolve_job *r = (resolve_job *)job;
  size_t from, to;
  pr_part_range(r->n, job->parts, part, &from, &to);
  pr_lookup(pr_mapped_table(r->mapped), r->keys + from, to - from, r->rows + from);
}

static void finish(pr_job *job) {
  resolve_job *r = (resolve_job *)job;
  r->counts = pr_dedupe(pr_mapped_table(r->mapped), r->rows, r->n, r->scratch);
}

static napi_value result(napi_env env, pr_job *job) {
  resolve_job *r = (resolve_job *)job;
  napi_value counts, number;
  if (!job->prepared) return pr_call_failure(env, PR_NO_BLOB, "out of memory");
  napi_create_array_with_length(env, 2, &counts);
  napi_create_uint32(env, r->counts.unknown, &number);
  napi_set_element(env, counts, 0, number);
  napi_create_uint32(env, r->counts.duplicates, &number);
  napi_set_element(env, counts, 1, number);
  return counts;
}

static void release(pr_job *job) {
  resolve_job *r = (resolve_job *)job;
  pr_scratch_give(r->scratch);
  pr_mapped_release(r->mapped);
  free(r);
}

static const pr_job_kind KIND = {prepare, run, finish, result, release};

napi_value pr_resolve_export(napi_env env, napi_callback_info info) {
  napi_value call;
  if (!pr_args(env, info, 1, &call)) return NULL;
  resolve_job *r = calloc(1, sizeof *r);
  if (!r) return pr_throw(env, "out of memory");
  size_t rows_length = 0;
  bool on_this_thread = false;
  r->job.kind = &KIND;
  bool ok = pr_call_array(env, call, "keys", napi_biguint64_array, (void **)&r->keys, &r->n) &&
            pr_call_array(env, call, "rows", napi_uint32_array, (void **)&r->rows, &rows_length) &&
            pr_call_parts(env, call, &r->job.parts, &on_this_thread) && rows_length == r->n && r->n < PR_NO_ROW;
  if (ok) r->mapped = pr_call_table(env, call);
  if (!ok || !r->mapped) {
    free(r);
    return pr_throw(env, "resolve: bad call");
  }
  return pr_job_start(env, &r->job, call, on_this_thread);
}
