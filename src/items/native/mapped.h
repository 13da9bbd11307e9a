/*
 * Mapped item tables as Node-API values. JavaScript holds a handle; every ArrayBuffer over the mapping and every running
 * kernel call holds a reference of its own, and the last one to go unmaps the file. So `close` never pulls memory
 * from under a reader.
 */
#ifndef PRERANK_MAPPED_H
#define PRERANK_MAPPED_H

#include <node_api.h>

#include "table.h"

typedef struct pr_mapped pr_mapped;

/* The table behind a handle, with a reference taken; NULL with an exception pending when it is closed or foreign. */
pr_mapped *pr_mapped_take(napi_env env, napi_value handle);
const pr_table *pr_mapped_table(const pr_mapped *mapped);
void pr_mapped_release(pr_mapped *mapped);

/* mapTable, forgetCache, tableBuffer, closeTable, tableLost. */
napi_status pr_mapped_exports(napi_env env, napi_value exports);

#endif
