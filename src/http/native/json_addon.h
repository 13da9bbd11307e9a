#ifndef PRERANK_JSON_ADDON_H
#define PRERANK_JSON_ADDON_H

#include <node_api.h>

napi_value pr_json_find_export(napi_env env, napi_callback_info info);
napi_value pr_json_ids_export(napi_env env, napi_callback_info info);
napi_value pr_json_numbers_export(napi_env env, napi_callback_info info);
napi_value pr_json_answer_export(napi_env env, napi_callback_info info);

#endif
