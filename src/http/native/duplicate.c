#include "duplicate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../items/native/napi_help.h"

napi_value pr_duplicate_export(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  int32_t file;
  if (!pr_args(env, info, 1, &argument)) return NULL;
  if (napi_get_value_int32(env, argument, &file) != napi_ok) return pr_throw(env, "duplicate: expected a descriptor");
  const int copy = fcntl(file, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return pr_throw(env, strerror(errno));
  napi_create_int32(env, copy, &result);
  return result;
}
