#ifndef PRERANK_GATHER_H
#define PRERANK_GATHER_H

#include <node_api.h>

/* tableGather(handle, [offset, stride, bytes], rows, out): a value of each row, copied; zeros for PR_NO_ROW. */
napi_value pr_table_gather_export(napi_env env, napi_callback_info info);

#endif
