/*
 * What JavaScript reads of a mapped table: copies. A view of the mapping would be quicker to read, but V8 counts it as memory
 * that a collection could free: with every table that is opened it marked the whole heap, beside the requests.
 */
#include "gather.h"

#include <string.h>

#include "mapped.h"
#include "napi_help.h"

typedef struct {
  size_t offset, stride, bytes;
} strip;

/* False where a row is outside the file. */
static bool gather(const pr_table *table, strip s, const uint32_t *rows, size_t count, uint8_t *out) {
  if (s.bytes == 0) return true; /* such as content of 0 dims; `out` may be NULL then */
  for (size_t i = 0; i < count; i++, out += s.bytes) {
    if (rows[i] == PR_NO_ROW) {
      memset(out, 0, s.bytes);
      continue;
    }
    size_t at = s.offset + rows[i] * s.stride;
    if (at > table->bytes || s.bytes > table->bytes - at) return false;
    memcpy(out, table->base + at, s.bytes);
  }
  return true;
}

napi_value pr_table_gather_export(napi_env env, napi_callback_info info) {
  napi_value args[4];
  double place[3];
  uint32_t *rows;
  uint8_t *out;
  size_t count, bytes;
  if (!pr_args(env, info, 4, args)) return NULL;
  bool are_given = pr_numbers(env, args[1], 3, place) && pr_typed(env, args[2], napi_uint32_array, (void **)&rows, &count) &&
                   pr_typed(env, args[3], napi_uint8_array, (void **)&out, &bytes);
  if (!are_given || !(place[0] >= 0 && place[1] >= 0 && place[2] >= 0 && place[0] + place[1] + place[2] < 0x1p53) ||
      count * (size_t)place[2] != bytes) {
    return pr_throw(env, "tableGather(handle, [offset, stride, bytes], rows, out of rows × bytes)");
  }
  pr_mapped *mapped = pr_mapped_take(env, args[0]);
  if (!mapped) return NULL;
  strip s = {.offset = (size_t)place[0], .stride = (size_t)place[1], .bytes = (size_t)place[2]};
  bool is_inside = gather(pr_mapped_table(mapped), s, rows, count, out);
  pr_mapped_release(mapped);
  return is_inside ? NULL : pr_throw(env, "a row is outside the table");
}
