/* hashIds(ids) → BigUint64Array: XXH64 of the UTF-8 bytes of every string. */
#include <stdlib.h>

#include "../../items/native/napi_help.h"
#include "call.h"

#define SHORT_BYTES 512

/* Long ids are rare: measure, allocate, hash. */
static bool hash_long(napi_env env, napi_value id, uint64_t *hash) {
  size_t length;
  if (napi_get_value_string_utf8(env, id, NULL, 0, &length) != napi_ok) return false;
  char *text = malloc(length + 1);
  if (!text) return false;
  bool ok = napi_get_value_string_utf8(env, id, text, length + 1, &length) == napi_ok;
  if (ok) *hash = pr_xxh64(text, length);
  free(text);
  return ok;
}

static bool hash_one(napi_env env, napi_value ids, uint32_t index, uint64_t *hash) {
  char text[SHORT_BYTES];
  size_t length;
  napi_value id;
  if (napi_get_element(env, ids, index, &id) != napi_ok) return false;
  if (napi_get_value_string_utf8(env, id, text, sizeof text, &length) != napi_ok) return false;
  /* A string that was cut ends within 3 bytes of the buffer's end. */
  if (length + 4 >= sizeof text) return hash_long(env, id, hash);
  *hash = pr_xxh64(text, length);
  return true;
}

napi_value pr_hash_ids_export(napi_env env, napi_callback_info info) {
  napi_value ids, buffer, keys;
  uint32_t count;
  void *data;
  if (!pr_args(env, info, 1, &ids)) return NULL;
  if (napi_get_array_length(env, ids, &count) != napi_ok) return pr_throw(env, "hashIds(array of strings)");
  if (napi_create_arraybuffer(env, (size_t)count * 8, &data, &buffer) != napi_ok) return pr_throw(env, "out of memory");
  uint64_t *hashes = data;
  for (uint32_t i = 0; i < count; i++) {
    napi_handle_scope scope;
    napi_open_handle_scope(env, &scope);
    bool ok = hash_one(env, ids, i, &hashes[i]);
    napi_close_handle_scope(env, scope);
    if (!ok) return pr_throw(env, "hashIds(array of strings)");
  }
  napi_create_typedarray(env, napi_biguint64_array, count, buffer, 0, &keys);
  return keys;
}
