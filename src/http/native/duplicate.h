#ifndef PRERANK_DUPLICATE_H
#define PRERANK_DUPLICATE_H

#include <node_api.h>

/* duplicate(file: number) → number: another descriptor of the same open file or socket, closed by whoever asked. */
napi_value pr_duplicate_export(napi_env env, napi_callback_info info);

#endif
