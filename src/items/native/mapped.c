#include "mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_error.h"
#include "napi_help.h"
#include "sanitized.h"

struct pr_mapped {
  pr_table table;
  atomic_int references;
  int watched;
  int file; /* a descriptor of our own: a file that shrinks within its last page raises no SIGBUS */
};

/* What a handle points to; `mapped` is NULL once closed. */
typedef struct {
  pr_mapped *mapped;
} slot;

static const napi_type_tag TABLE_TAG = {0x50726572616e6b01u, 0x6974656d7461626cu};

const pr_table *pr_mapped_table(const pr_mapped *mapped) { return &mapped->table; }

/* The sanitized build maps one page more than there are and fences what lies behind the file. */
#ifdef PR_SANITIZED
static size_t mapped_bytes(size_t bytes) { return (bytes + 4095) / 4096 * 4096 + 4096; }

static void *map_bytes(int file, size_t bytes) {
  char *base = mmap(NULL, mapped_bytes(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mmap(base, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) return MAP_FAILED;
  ASAN_POISON_MEMORY_REGION(base + bytes, mapped_bytes(bytes) - bytes);
  return base;
}

static void unmap_bytes(void *base, size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(base, mapped_bytes(bytes));
  munmap(base, mapped_bytes(bytes));
}
#else
static void *map_bytes(int file, size_t bytes) { return mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0); }

static void unmap_bytes(void *base, size_t bytes) { munmap(base, bytes); }
#endif

void pr_mapped_release(pr_mapped *mapped) {
  if (atomic_fetch_sub(&mapped->references, 1) != 1) return;
  pr_unwatch(mapped->watched);
  unmap_bytes((void *)mapped->table.base, mapped->table.bytes);
  close(mapped->file);
  free(mapped);
}

static void finalize_handle(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  slot *s = data;
  if (s->mapped) pr_mapped_release(s->mapped);
  free(s);
}

static void finalize_buffer(napi_env env, void *data, void *hint) {
  (void)env, (void)data;
  pr_mapped_release(hint);
}

static slot *slot_of(napi_env env, napi_value handle) {
  bool ours = false;
  void *data = NULL;
  napi_valuetype type;
  if (napi_typeof(env, handle, &type) == napi_ok && type == napi_external &&
      napi_check_object_type_tag(env, handle, &TABLE_TAG, &ours) == napi_ok && ours) {
    napi_get_value_external(env, handle, &data);
  }
  if (!data) napi_throw_type_error(env, NULL, "not the handle of an item table");
  return data;
}

pr_mapped *pr_mapped_take(napi_env env, napi_value handle) {
  slot *s = slot_of(env, handle);
  if (!s) return NULL;
  if (!s->mapped) {
    napi_throw_error(env, NULL, "the table is closed");
    return NULL;
  }
  atomic_fetch_add(&s->mapped->references, 1);
  return s->mapped;
}

/*
 * Huge pages spare a table walk per row (100k random rows of 1 GiB: 2.3 ms against 4.2). Linux grants them for files on
 * file systems with large folios (XFS, ext4 since 6.16) that it has not cached in small ones already: see forgetCache.
 */
static pr_mapped *map_file(int file, const pr_table *shape) {
  pr_mapped *mapped = malloc(sizeof *mapped);
  if (!mapped) return NULL;
  mapped->table = *shape;
  atomic_init(&mapped->references, 1);
  void *base = map_bytes(file, shape->bytes);
  if (base == MAP_FAILED) {
    free(mapped);
    return NULL;
  }
  mapped->watched = pr_watch(base, shape->bytes);
  mapped->file = mapped->watched < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, 0);
  if (mapped->file < 0) {
    int reason = errno;
    if (mapped->watched >= 0) pr_unwatch(mapped->watched);
    unmap_bytes(base, shape->bytes);
    free(mapped);
    errno = reason;
    return NULL;
  }
#ifdef MADV_HUGEPAGE
  madvise(base, shape->bytes, MADV_HUGEPAGE);
#endif
  mapped->table.base = base;
  return mapped;
}

#define SHAPE_NUMBERS 14

/* mapTable(file, [bytes, and the fields of pr_table after it, in their order]) → handle */
static napi_value map_table(napi_env env, napi_callback_info info) {
  napi_value args[2], handle;
  int32_t file;
  double shape[SHAPE_NUMBERS];
  if (!pr_args(env, info, 2, args)) return NULL;
  if (napi_get_value_int32(env, args[0], &file) != napi_ok || !pr_numbers(env, args[1], SHAPE_NUMBERS, shape)) {
    return pr_throw(env, "mapTable(file, shape of 14 numbers)");
  }
  pr_table table = {
      .bytes = (size_t)shape[0],         .rows_at = (size_t)shape[1],       .scales_at = (size_t)shape[2],
      .sketch_at = (size_t)shape[3],     .index_at = (size_t)shape[4],      .rows = (uint32_t)shape[5],
      .dims = (uint32_t)shape[6],        .scalars = (uint32_t)shape[7],     .row_stride = (uint32_t)shape[8],
      .sketch_stride = (uint32_t)shape[9], .sketch_error = shape[10],       .buckets = (uint32_t)shape[11],
      .probes = (uint32_t)shape[12],     .dtype = (pr_dtype)shape[13],
  };
  if (!pr_table_fits(&table)) return pr_throw(env, "the table's shape does not fit its bytes");
  slot *s = malloc(sizeof *s);
  pr_mapped *mapped = s ? map_file(file, &table) : NULL;
  if (!mapped) {
    free(s);
    char message[128];
    snprintf(message, sizeof message, "cannot map %zu bytes: %s", table.bytes, strerror(errno));
    return pr_throw(env, message);
  }
  s->mapped = mapped;
  napi_create_external(env, s, finalize_handle, NULL, &handle);
  napi_type_tag_object(env, handle, &TABLE_TAG);
  return handle;
}

/* forgetCache(file): what was just written stays cached in small pages; without them the first reader gets huge ones. */
static napi_value forget_cache(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int32_t file;
  if (!pr_args(env, info, 1, args)) return NULL;
  if (napi_get_value_int32(env, args[0], &file) != napi_ok) return pr_throw(env, "forgetCache(file)");
#ifdef POSIX_FADV_DONTNEED
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
#endif
  return NULL;
}

/* tableBuffer(handle) → ArrayBuffer over the mapping. Read-only memory: writing to it kills the process. */
static napi_value table_buffer(napi_env env, napi_callback_info info) {
  napi_value args[1], buffer;
  if (!pr_args(env, info, 1, args)) return NULL;
  pr_mapped *mapped = pr_mapped_take(env, args[0]);
  if (!mapped) return NULL;
  const pr_table *t = &mapped->table;
  if (napi_create_external_arraybuffer(env, (void *)t->base, t->bytes, finalize_buffer, mapped, &buffer) != napi_ok) {
    pr_mapped_release(mapped);
    return pr_throw(env, "this runtime allows no ArrayBuffer over mapped memory");
  }
  return buffer;
}

/* closeTable(handle, buffer): detaches the buffer, gives the handle's reference back. */
static napi_value close_table(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!pr_args(env, info, 2, args)) return NULL;
  slot *s = slot_of(env, args[0]);
  if (!s || !s->mapped) return NULL;
  bool is_buffer = false;
  if (napi_is_arraybuffer(env, args[1], &is_buffer) == napi_ok && is_buffer) napi_detach_arraybuffer(env, args[1]);
  pr_mapped_release(s->mapped);
  s->mapped = NULL;
  return NULL;
}

/* tableLost(handle) → whether the file has lost bytes that were mapped: what was read of it so far may be zeros. */
static napi_value table_lost(napi_env env, napi_callback_info info) {
  napi_value args[1], lost;
  struct stat found;
  if (!pr_args(env, info, 1, args)) return NULL;
  pr_mapped *mapped = pr_mapped_take(env, args[0]);
  if (!mapped) return NULL;
  bool is_short = fstat(mapped->file, &found) != 0 || (size_t)found.st_size < mapped->table.bytes;
  napi_get_boolean(env, is_short || pr_watch_lost(mapped->watched), &lost);
  pr_mapped_release(mapped);
  return lost;
}

napi_status pr_mapped_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      PR_FUNCTION("mapTable", map_table),
      PR_FUNCTION("forgetCache", forget_cache),
      PR_FUNCTION("tableBuffer", table_buffer),
      PR_FUNCTION("closeTable", close_table),
      PR_FUNCTION("tableLost", table_lost),
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
