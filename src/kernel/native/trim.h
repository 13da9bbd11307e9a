#ifndef PRERANK_TRIM_H
#define PRERANK_TRIM_H

#include <node_api.h>

/* trimMemory() → Promise<void>: freed memory goes back to the system, where the C library keeps it otherwise. */
napi_value pr_trim_memory_export(napi_env env, napi_callback_info info);

#endif
