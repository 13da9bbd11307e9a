#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>

#ifdef PR_SANITIZED
#define KEPT_MAX 0
#define ROUND 64
#else
#define KEPT_MAX 16
#define ROUND 4096
#endif
#define KEPT_BYTES_MAX ((size_t)64 << 20)
#define HEAD_BYTES 64

typedef struct head {
  size_t bytes;
  struct head *next;
} head;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static head *kept;
static size_t kept_count;

/* The smallest kept block that is large enough, taken out of the list. */
static head *find_kept(size_t bytes) {
  head **best = NULL;
  for (head **at = &kept; *at; at = &(*at)->next) {
    if ((*at)->bytes >= bytes && (!best || (*at)->bytes < (*best)->bytes)) best = at;
  }
  if (!best) return NULL;
  head *found = *best;
  *best = found->next;
  kept_count--;
  return found;
}

void *pr_scratch_take(size_t bytes) {
  pthread_mutex_lock(&lock);
  head *block = find_kept(bytes);
  pthread_mutex_unlock(&lock);
  if (!block) {
    size_t rounded = (bytes + HEAD_BYTES + ROUND - 1) / ROUND * ROUND;
    block = aligned_alloc(64, rounded);
    if (!block) return NULL;
    block->bytes = rounded - HEAD_BYTES;
  }
  return (char *)block + HEAD_BYTES;
}

void pr_scratch_give(void *scratch) {
  if (!scratch) return;
  head *block = (head *)((char *)scratch - HEAD_BYTES);
#ifdef PR_SANITIZED
  ASAN_UNPOISON_MEMORY_REGION(scratch, block->bytes);
#endif
  pthread_mutex_lock(&lock);
  head *dropped = block;
  if (block->bytes <= KEPT_BYTES_MAX) {
    block->next = kept;
    kept = block;
    dropped = NULL;
    if (++kept_count > KEPT_MAX) {
      /* The oldest goes: sizes that are no longer asked for leave in time. */
      head **last = &kept;
      while ((*last)->next) last = &(*last)->next;
      dropped = *last;
      *last = NULL;
      kept_count--;
    }
  }
  pthread_mutex_unlock(&lock);
  free(dropped);
}
