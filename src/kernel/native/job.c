#include "job.h"

#include "priority.h"

static void settle(napi_env env, pr_job *job) {
  napi_value result = job->kind->result(env, job);
  napi_resolve_deferred(env, job->deferred, result);
  napi_delete_reference(env, job->held);
  job->kind->release(job);
}

static void queue(napi_env env, napi_async_execute_callback run, napi_async_complete_callback done, void *data,
                  napi_async_work *work) {
  napi_value name;
  napi_create_string_utf8(env, "prerank kernel", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, run, done, data, work);
  napi_queue_async_work(env, *work);
}

static void run_part(napi_env env, void *data) {
  (void)env;
  pr_lower_priority();
  pr_job_part *part = data;
  pr_job *job = part->job;
  job->kind->run(job, part->index);
  if (atomic_fetch_sub(&job->running, 1) == 1) job->kind->finish(job);
}

static void end_part(napi_env env, napi_status status, void *data) {
  (void)status;
  pr_job_part *part = data;
  pr_job *job = part->job;
  napi_delete_async_work(env, part->work);
  if (--job->pending == 0) settle(env, job);
}

static void queue_parts(napi_env env, pr_job *job) {
  job->pending = job->parts;
  atomic_init(&job->running, job->parts);
  for (uint32_t i = 0; i < job->parts; i++) {
    job->part[i] = (pr_job_part){.job = job, .index = i};
    queue(env, run_part, end_part, &job->part[i], &job->part[i].work);
  }
}

static void run_prepare(napi_env env, void *data) {
  (void)env;
  pr_job *job = data;
  job->prepared = job->kind->prepare(job);
  if (!job->prepared || job->parts > 1) return;
  job->kind->run(job, 0);
  job->kind->finish(job);
}

static void run_prepare_on_pool(napi_env env, void *data) {
  pr_lower_priority();
  run_prepare(env, data);
}

static void end_prepare(napi_env env, napi_status status, void *data) {
  (void)status;
  pr_job *job = data;
  napi_delete_async_work(env, job->preparation);
  if (job->prepared && job->parts > 1) queue_parts(env, job);
  else settle(env, job);
}

napi_value pr_job_start(napi_env env, pr_job *job, napi_value held, bool on_this_thread) {
  napi_value promise;
  napi_create_promise(env, &job->deferred, &promise);
  napi_create_reference(env, held, 1, &job->held);
  if (on_this_thread) {
    job->parts = 1;
    run_prepare(env, job);
    settle(env, job);
  } else {
    queue(env, run_prepare_on_pool, end_prepare, job, &job->preparation);
  }
  return promise;
}
