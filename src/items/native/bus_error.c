#include "bus_error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* The handler reads these while others change them: `end` is set last and cleared first, 0 means nothing is watched. */
typedef struct {
  atomic_bool taken;
  atomic_bool lost;
  atomic_uintptr_t base;
  atomic_uintptr_t end;
} range;

static range ranges[PR_WATCHED_MAX];
static struct sigaction previous;
static uintptr_t page_bytes;

static bool holds(range *r, uintptr_t address) {
  uintptr_t end = atomic_load(&r->end);
  uintptr_t base = atomic_load(&r->base);
  return address >= base && address < end && atomic_load(&r->end) == end;
}

/* The mark comes first: whoever reads a zero finds it. */
static bool replace_by_zeros(range *r) {
  uintptr_t base = atomic_load(&r->base);
  size_t bytes = (atomic_load(&r->end) - base + page_bytes - 1) / page_bytes * page_bytes;
  atomic_store(&r->lost, true);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  return mmap((void *)base, bytes, PROT_READ, flags, -1, 0) != MAP_FAILED;
}

/* Not ours: as if this handler were not there. With the default action the instruction faults again and ends the process. */
static void pass_on(int number, siginfo_t *info, void *context) {
  bool is_default = previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN;
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, info, context);
  } else if (!is_default) {
    previous.sa_handler(number);
  } else {
    sigaction(number, &previous, NULL);
    raise(number);
  }
}

/* mmap is a plain system call where this runs, and the fault came from a read, not from inside the C library. */
static void on_bus_error(int number, siginfo_t *info, void *context) {
  int saved_errno = errno;
  uintptr_t address = (uintptr_t)info->si_addr;
  for (size_t i = 0; i < PR_WATCHED_MAX; i++) {
    if (!holds(&ranges[i], address) || !replace_by_zeros(&ranges[i])) continue;
    errno = saved_errno;
    return;
  }
  errno = saved_errno;
  pass_on(number, info, context);
}

static void install(void) {
  page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

int pr_watch(const void *base, size_t bytes) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  for (int i = 0; i < PR_WATCHED_MAX; i++) {
    range *r = &ranges[i];
    if (atomic_exchange(&r->taken, true)) continue;
    atomic_store(&r->lost, false);
    atomic_store(&r->base, (uintptr_t)base);
    atomic_store(&r->end, (uintptr_t)base + bytes);
    return i;
  }
  errno = EMFILE;
  return -1;
}

bool pr_watch_lost(int watched) { return atomic_load(&ranges[watched].lost); }

void pr_unwatch(int watched) {
  atomic_store(&ranges[watched].end, 0);
  atomic_store(&ranges[watched].taken, false);
}
