#include "call.h"

#include "../../items/native/napi_help.h"
#include "job.h"

bool pr_call_array(napi_env env, napi_value call, const char *name, napi_typedarray_type type, void **data,
                   size_t *length) {
  napi_value value;
  return napi_get_named_property(env, call, name, &value) == napi_ok && pr_typed(env, value, type, data, length);
}

bool pr_call_parts(napi_env env, napi_value call, uint32_t *parts, bool *on_this_thread) {
  napi_value value;
  return napi_get_named_property(env, call, "parts", &value) == napi_ok &&
         napi_get_value_uint32(env, value, parts) == napi_ok && *parts >= 1 && *parts <= PR_PARTS_MAX &&
         napi_get_named_property(env, call, "inline", &value) == napi_ok &&
         napi_get_value_bool(env, value, on_this_thread) == napi_ok;
}

pr_mapped *pr_call_table(napi_env env, napi_value call) {
  napi_value handle;
  if (napi_get_named_property(env, call, "table", &handle) != napi_ok) return NULL;
  return pr_mapped_take(env, handle);
}

napi_value pr_call_failure(napi_env env, int32_t blob, const char *message) {
  napi_value failure, value;
  napi_create_object(env, &failure);
  napi_create_int32(env, blob, &value);
  napi_set_named_property(env, failure, "blob", value);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, failure, "message", value);
  return failure;
}
