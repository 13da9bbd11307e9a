/*
 * One kernel call on the libuv pool: prepare once, run P parts at the same time, finish once, then settle a promise on the
 * main thread. A call of one part is one piece of work; a small one runs at once on the calling thread.
 */
#ifndef PRERANK_JOB_H
#define PRERANK_JOB_H

#include <node_api.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PR_PARTS_MAX 64

typedef struct pr_job pr_job;

typedef struct {
  bool (*prepare)(pr_job *job); /* false: an error was recorded, parts do not run */
  void (*run)(pr_job *job, uint32_t part);
  void (*finish)(pr_job *job);
  napi_value (*result)(napi_env env, pr_job *job);
  void (*release)(pr_job *job); /* frees everything, the job too */
} pr_job_kind;

typedef struct {
  pr_job *job;
  uint32_t index;
  napi_async_work work;
} pr_job_part;

/* The first member of what a kind allocates; the kind sets the first two fields. */
struct pr_job {
  const pr_job_kind *kind;
  uint32_t parts;
  napi_ref held;
  napi_deferred deferred;
  napi_async_work preparation;
  bool prepared;
  uint32_t pending;
  atomic_uint running;
  pr_job_part part[PR_PARTS_MAX];
};

/* Takes the job over and returns the promise; `held` is the JavaScript object that owns all memory the job uses. */
napi_value pr_job_start(napi_env env, pr_job *job, napi_value held, bool on_this_thread);

/* Part p of n elements is [from, to). */
static inline void pr_part_range(size_t n, uint32_t parts, uint32_t part, size_t *from, size_t *to) {
  size_t more = n % parts;
  *from = n / parts * part + (part < more ? part : more);
  *to = *from + n / parts + (part < more);
}

#endif
