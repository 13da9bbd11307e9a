/*
 * What JavaScript sees of json_scan.h and json_write.h. Memory comes from the caller, who may use it again.
 *
 *   jsonFind(bytes) → Uint32Array, 6 numbers per array as in pr_json_array
 *   jsonIds(bytes, array, texts, keys, spans) → boolean; array = those 6 numbers
 *   jsonNumbers(bytes, array, out) → boolean
 *   jsonAnswer(head, bytes, spans, positions, scores, tail) → Buffer: head, the ids at those positions as they stand in the
 *   body, SCORES_HEAD, the scores, tail. Without spans (null) the ids are in the head.
 */
#include <string.h>

#include "../../items/native/napi_help.h"
#include "../../kernel/native/call.h"
#include "../../kernel/native/scratch.h"
#include "json_addon.h"
#include "json_scan.h"
#include "json_write.h"

#define NUMBERS_PER_ARRAY 6
static const char SCORES_HEAD[] = "],\"scores\":[";

static napi_value boolean(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

static bool bytes_of(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  return pr_typed(env, value, napi_uint8_array, (void **)bytes, length);
}

/* Only what pr_json_find gave, for the same bytes, is an array. */
static bool array_of(napi_env env, napi_value value, size_t bytes_length, pr_json_array *array) {
  uint32_t *n;
  size_t length;
  if (!pr_typed(env, value, napi_uint32_array, (void **)&n, &length) || length != NUMBERS_PER_ARRAY) return false;
  *array = (pr_json_array){n[0] != 0, n[1], n[2], n[3], n[4], n[5]};
  return array->from < array->to && array->to <= bytes_length && array->count > 0;
}

napi_value pr_json_find_export(napi_env env, napi_callback_info info) {
  napi_value arg, buffer, found;
  uint8_t *bytes;
  size_t length;
  void *data;
  pr_json_array arrays[PR_JSON_ARRAYS_MAX];
  if (!pr_args(env, info, 1, &arg) || !bytes_of(env, arg, &bytes, &length)) return pr_throw(env, "jsonFind(bytes)");
  size_t count = pr_json_find(bytes, length, arrays);
  if (napi_create_arraybuffer(env, count * NUMBERS_PER_ARRAY * 4, &data, &buffer) != napi_ok) return NULL;
  uint32_t *out = data;
  for (size_t i = 0; i < count; i++, out += NUMBERS_PER_ARRAY) {
    const pr_json_array *a = &arrays[i];
    memcpy(out, (uint32_t[]){a->is_candidates, a->from, a->to, a->name_from, a->name_to, a->count}, 4 * NUMBERS_PER_ARRAY);
  }
  napi_create_typedarray(env, napi_uint32_array, count * NUMBERS_PER_ARRAY, buffer, 0, &found);
  return found;
}

napi_value pr_json_ids_export(napi_env env, napi_callback_info info) {
  napi_value args[5];
  uint8_t *bytes;
  uint64_t *keys;
  uint32_t *spans;
  size_t length, keys_length, spans_length;
  pr_json_array array;
  bool texts;
  if (!pr_args(env, info, 5, args)) return NULL;
  bool ok = bytes_of(env, args[0], &bytes, &length) && array_of(env, args[1], length, &array) &&
            napi_get_value_bool(env, args[2], &texts) == napi_ok &&
            pr_typed(env, args[3], napi_biguint64_array, (void **)&keys, &keys_length) &&
            pr_typed(env, args[4], napi_uint32_array, (void **)&spans, &spans_length) && keys_length == array.count &&
            spans_length == 2 * (size_t)array.count;
  if (!ok) return pr_throw(env, "jsonIds(bytes, array, texts, keys, spans)");
  return boolean(env, pr_json_ids(bytes, &array, texts, keys, spans));
}

napi_value pr_json_numbers_export(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint8_t *bytes;
  float *out;
  size_t length, out_length;
  pr_json_array array;
  if (!pr_args(env, info, 3, args)) return NULL;
  bool ok = bytes_of(env, args[0], &bytes, &length) && array_of(env, args[1], length, &array) &&
            pr_typed(env, args[2], napi_float32_array, (void **)&out, &out_length) && out_length == array.count;
  if (!ok) return pr_throw(env, "jsonNumbers(bytes, array, out)");
  return boolean(env, pr_json_numbers(bytes, &array, out));
}

typedef struct {
  size_t head_bytes, tail_bytes, ids_bytes;
  uint8_t *bytes;
  size_t length;
  uint32_t *spans, *positions;
  size_t spans_length, count;
  float *scores;
} answer;

static bool text_bytes(napi_env env, napi_value text, size_t *bytes) {
  return napi_get_value_string_utf8(env, text, NULL, 0, bytes) == napi_ok;
}

/* The bytes of the ids and their commas; false where a position or a span is not inside. */
static bool measure_ids(answer *a) {
  a->ids_bytes = a->count;
  for (size_t i = 0; i < a->count; i++) {
    size_t position = a->positions[i];
    if (position >= a->spans_length / 2) return false;
    uint32_t from = a->spans[2 * position], to = a->spans[2 * position + 1];
    if (from > to || to > a->length) return false;
    a->ids_bytes += to - from;
  }
  return true;
}

static bool read_answer(napi_env env, napi_value *args, answer *a) {
  napi_valuetype spans;
  size_t scores_length;
  *a = (answer){0};
  if (!text_bytes(env, args[0], &a->head_bytes) || !text_bytes(env, args[5], &a->tail_bytes)) return false;
  if (!pr_typed(env, args[3], napi_uint32_array, (void **)&a->positions, &a->count)) return false;
  if (!pr_typed(env, args[4], napi_float32_array, (void **)&a->scores, &scores_length)) return false;
  if (scores_length != a->count || napi_typeof(env, args[2], &spans) != napi_ok) return false;
  if (spans == napi_null) return true;
  return bytes_of(env, args[1], &a->bytes, &a->length) &&
         pr_typed(env, args[2], napi_uint32_array, (void **)&a->spans, &a->spans_length) && measure_ids(a);
}

static uint8_t *write_ids(uint8_t *out, const answer *a) {
  for (size_t i = 0; i < a->count; i++) {
    uint32_t from = a->spans[2 * a->positions[i]], to = a->spans[2 * a->positions[i] + 1];
    if (i > 0) *out++ = ',';
    memcpy(out, a->bytes + from, to - from);
    out += to - from;
  }
  return out;
}

static uint8_t *write_text(napi_env env, uint8_t *out, napi_value text, size_t bytes) {
  napi_get_value_string_utf8(env, text, (char *)out, bytes + 1, NULL);
  return out + bytes;
}

napi_value pr_json_answer_export(napi_env env, napi_callback_info info) {
  napi_value args[6], result = NULL;
  answer a;
  if (!pr_args(env, info, 6, args)) return NULL;
  if (!read_answer(env, args, &a)) return pr_throw(env, "jsonAnswer(head, bytes, spans, positions, scores, tail)");
  size_t room = a.head_bytes + a.ids_bytes + sizeof SCORES_HEAD + a.count * PR_JSON_NUMBER_BYTES_MAX + a.tail_bytes + 1;
  uint8_t *start = pr_scratch_take(room);
  if (!start) return pr_throw(env, "out of memory");
  uint8_t *out = write_text(env, start, args[0], a.head_bytes);
  if (a.spans) out = write_ids(out, &a);
  memcpy(out, SCORES_HEAD, sizeof SCORES_HEAD - 1);
  out = pr_json_write_floats(out + sizeof SCORES_HEAD - 1, a.scores, a.count);
  out = write_text(env, out, args[5], a.tail_bytes);
  napi_create_buffer_copy(env, (size_t)(out - start), start, NULL, &result);
  pr_scratch_give(start);
  return result;
}
