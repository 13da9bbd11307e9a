/*
 * What a closed bundle leaves: once a large block was freed, glibc serves the next ones of that size from its heap and keeps
 * the holes between them, some 10 MiB per reload. Trimming takes milliseconds, so it runs on the libuv pool.
 */
#include "trim.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "../../items/native/napi_help.h"

typedef struct {
  napi_deferred deferred;
  napi_async_work work;
} trim_work;

static void run_trim(napi_env env, void *data) {
  (void)env, (void)data;
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

static void end_trim(napi_env env, napi_status status, void *data) {
  trim_work *t = data;
  napi_value nothing;
  (void)status;
  napi_get_undefined(env, &nothing);
  napi_resolve_deferred(env, t->deferred, nothing);
  napi_delete_async_work(env, t->work);
  free(t);
}

napi_value pr_trim_memory_export(napi_env env, napi_callback_info info) {
  napi_value promise, name;
  (void)info;
  trim_work *t = malloc(sizeof *t);
  if (!t) return pr_throw(env, "no memory left");
  napi_create_promise(env, &t->deferred, &promise);
  napi_create_string_utf8(env, "prerank trim", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, run_trim, end_trim, t, &t->work);
  napi_queue_async_work(env, t->work);
  return promise;
}
