/* Reading the call objects that native.ts makes. Every function is false or NULL when a field is not what it has to be. */
#ifndef PRERANK_CALL_H
#define PRERANK_CALL_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../items/native/mapped.h"

#define PR_NO_BLOB (-1)

bool pr_call_array(napi_env env, napi_value call, const char *name, napi_typedarray_type type, void **data,
                   size_t *length);
bool pr_call_parts(napi_env env, napi_value call, uint32_t *parts, bool *on_this_thread);
pr_mapped *pr_call_table(napi_env env, napi_value call);

/* { blob, message }: what a call resolves with instead of its result. */
napi_value pr_call_failure(napi_env env, int32_t blob, const char *message);

napi_value pr_resolve_export(napi_env env, napi_callback_info info);
napi_value pr_score_export(napi_env env, napi_callback_info info);
napi_value pr_hash_ids_export(napi_env env, napi_callback_info info);

#endif
