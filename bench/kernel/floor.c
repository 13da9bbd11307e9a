/*
 * The floor under resolve and gather: touch the cache lines they need, prefetched as far ahead as the kernel does, and do
 * nothing else. And the clock to compare by: processor time of this thread, in milliseconds; process.threadCpuUsage counts in
 * ticks of the scheduler.
 */
#include <node_api.h>
#include <stdint.h>
#include <time.h>

#include "../../src/items/native/napi_help.h"

#define AHEAD 32

/* touch(buffer, start, stride, bytes, indices): records of `bytes` at start + index · stride; the sum keeps the reads. */
static napi_value touch(napi_env env, napi_callback_info info) {
  napi_value args[5], result;
  void *base, *data;
  size_t size, count;
  double start, stride, bytes;
  if (!pr_args(env, info, 5, args)) return NULL;
  if (napi_get_arraybuffer_info(env, args[0], &base, &size) != napi_ok ||
      napi_get_value_double(env, args[1], &start) != napi_ok || napi_get_value_double(env, args[2], &stride) != napi_ok ||
      napi_get_value_double(env, args[3], &bytes) != napi_ok ||
      !pr_typed(env, args[4], napi_uint32_array, &data, &count)) {
    return pr_throw(env, "touch(buffer, start, stride, bytes, indices)");
  }
  const uint32_t *indices = data;
  const char *at = (const char *)base + (size_t)start;
  size_t step = (size_t)stride, length = (size_t)bytes;
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count) {
      const char *ahead = at + indices[i + AHEAD] * step;
      const char *line = ahead - ((uintptr_t)ahead & 63);
      for (; line < ahead + length; line += 64) __builtin_prefetch(line, 0, 2);
    }
    const char *record = at + indices[i] * step;
    for (size_t offset = 0; offset < length; offset += 64) sum += *(const uint8_t *)(record + offset);
    sum += *(const uint8_t *)(record + length - 1);
  }
  napi_create_double(env, (double)(sum % 1000003), &result);
  return result;
}

static napi_value thread_clock(napi_env env, napi_callback_info info) {
  struct timespec now;
  napi_value result;
  (void)info;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  napi_create_double(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {PR_FUNCTION("touch", touch), PR_FUNCTION("threadClock", thread_clock)};
  napi_define_properties(env, exports, 2, functions);
  return exports;
}
