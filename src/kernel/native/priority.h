#ifndef PRERANK_PRIORITY_H
#define PRERANK_PRIORITY_H

#include <node_api.h>

/* lowerPriority(nice: number): threads of the libuv pool take so much more niceness before their next kernel work. Linux only,
 * where niceness is a thread's; raising it needs no privilege, lowering it again would, so it only grows. */
napi_value pr_lower_priority_export(napi_env env, napi_callback_info info);

/* To be called on a thread of the pool. */
void pr_lower_priority(void);

#endif
