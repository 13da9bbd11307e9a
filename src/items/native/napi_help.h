/* The few lines that every Node-API function starts with. */
#ifndef PRERANK_NAPI_HELP_H
#define PRERANK_NAPI_HELP_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

#define PR_FUNCTION(name, callback) {name, NULL, callback, NULL, NULL, NULL, napi_enumerable, NULL}

/* Throws and returns NULL, which is what the callback then returns. */
static inline napi_value pr_throw(napi_env env, const char *message) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) napi_throw_type_error(env, NULL, message);
  return NULL;
}

static inline bool pr_args(napi_env env, napi_callback_info info, size_t count, napi_value *args) {
  size_t found = count;
  if (napi_get_cb_info(env, info, &found, args, NULL, NULL) == napi_ok && found >= count) return true;
  pr_throw(env, "too few arguments");
  return false;
}

static inline bool pr_numbers(napi_env env, napi_value array, uint32_t count, double *out) {
  napi_value element;
  for (uint32_t i = 0; i < count; i++) {
    if (napi_get_element(env, array, i, &element) != napi_ok) return false;
    if (napi_get_value_double(env, element, &out[i]) != napi_ok) return false;
  }
  return true;
}

/* Data and length of a typed array of exactly this type. */
static inline bool pr_typed(napi_env env, napi_value value, napi_typedarray_type type, void **data, size_t *length) {
  bool is_typed = false;
  napi_typedarray_type found;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return false;
  if (napi_get_typedarray_info(env, value, &found, length, data, NULL, NULL) != napi_ok) return false;
  return found == type;
}

#endif
