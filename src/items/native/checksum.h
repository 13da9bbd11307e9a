#ifndef PRERANK_CHECKSUM_H
#define PRERANK_CHECKSUM_H

#include <node_api.h>

/* tableChecksum(handle, lanes, [offset, from, to]) → Promise<bigint>: XXH64 of `to` bytes at `offset`; the four lanes have
   the first `from` of them, from the call before. */
napi_value pr_table_checksum_export(napi_env env, napi_callback_info info);

#endif
