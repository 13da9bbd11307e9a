#include "priority.h"

#include <stdatomic.h>
#include <unistd.h>

#include "../../items/native/napi_help.h"

static atomic_int wanted;

void pr_lower_priority(void) {
#ifdef __linux__
  static _Thread_local int lowered;
  const int more = atomic_load_explicit(&wanted, memory_order_relaxed) - lowered;
  if (more <= 0) return;
  lowered += more;
  const int found = nice(more); /* where that fails the thread is as fast as before */
  (void)found;
#endif
}

napi_value pr_lower_priority_export(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t nice_value;
  if (!pr_args(env, info, 1, &argument)) return NULL;
  if (napi_get_value_int32(env, argument, &nice_value) != napi_ok) return pr_throw(env, "lowerPriority: expected a number");
  atomic_store_explicit(&wanted, nice_value, memory_order_relaxed);
  return NULL;
}
