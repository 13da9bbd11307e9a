/*
 * XXH64 of a range of a table, a piece at a time on the libuv pool. Between two pieces the caller may rest or stop: work of the
 * pool cannot be cancelled once it runs, and the process does not end before it has.
 */
#include "checksum.h"

#include <stdlib.h>

#include "mapped.h"
#include "napi_help.h"

typedef struct {
  pr_mapped *mapped;
  size_t offset, from, to;
  uint64_t *lanes;
  uint64_t hash;
  napi_ref held; /* the array of the lanes */
  napi_deferred deferred;
  napi_async_work work;
} checksum_work;

static void run_checksum(napi_env env, void *data) {
  (void)env;
  checksum_work *c = data;
  c->hash = pr_xxh64_piece(c->lanes, pr_mapped_table(c->mapped)->base + c->offset, c->from, c->to);
}

static void end_checksum(napi_env env, napi_status status, void *data) {
  checksum_work *c = data;
  napi_value result;
  (void)status;
  napi_create_bigint_uint64(env, c->hash, &result);
  napi_resolve_deferred(env, c->deferred, result);
  napi_delete_reference(env, c->held);
  napi_delete_async_work(env, c->work);
  pr_mapped_release(c->mapped);
  free(c);
}

static bool read_call(napi_env env, const napi_value *args, checksum_work *c) {
  size_t lanes;
  double range[3];
  if (!pr_typed(env, args[1], napi_biguint64_array, (void **)&c->lanes, &lanes) || lanes != 4) return false;
  if (!pr_numbers(env, args[2], 3, range)) return false;
  double size = (double)pr_mapped_table(c->mapped)->bytes;
  if (!(range[0] >= 0 && range[1] >= 0 && range[1] <= range[2] && range[0] + range[2] <= size)) return false;
  c->offset = (size_t)range[0];
  c->from = (size_t)range[1];
  c->to = (size_t)range[2];
  return c->from % 32 == 0;
}

napi_value pr_table_checksum_export(napi_env env, napi_callback_info info) {
  napi_value args[3], promise, name;
  if (!pr_args(env, info, 3, args)) return NULL;
  pr_mapped *mapped = pr_mapped_take(env, args[0]);
  if (!mapped) return NULL;
  checksum_work *c = calloc(1, sizeof *c);
  if (c) c->mapped = mapped;
  if (!c || !read_call(env, args, c)) {
    free(c);
    pr_mapped_release(mapped);
    return pr_throw(env, "tableChecksum(handle, lanes, [offset, from, to])");
  }
  napi_create_reference(env, args[1], 1, &c->held);
  napi_create_promise(env, &c->deferred, &promise);
  napi_create_string_utf8(env, "prerank table checksum", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, run_checksum, end_checksum, c, &c->work);
  napi_queue_async_work(env, c->work);
  return promise;
}
