/*
 * Mapped files that lose their bytes. Reading a page that a file no longer has (somebody truncated it, the disk fails)
 * raises SIGBUS, which ends the process: every request with it, and no restart helps where the file stays short.
 *
 * So mappings are watched. A fault inside one replaces the whole of it by zeros, marks it as lost, and the reader goes on,
 * on whatever thread and in whatever code, compiled JavaScript too. What was read may then be zeros: whoever answers
 * from it asks pr_watch_lost afterwards. Faults elsewhere go to the handler that was there before.
 *
 * Rejected: sigsetjmp around every access (JavaScript reads the mapping as well), a copy in memory (no sharing, no
 * instant start), replacing page by page (a mapping has as many pieces as pages then, and the system allows 65,530).
 */
#ifndef PRERANK_BUS_ERROR_H
#define PRERANK_BUS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define PR_WATCHED_MAX 1024

/* From now on [base, base + bytes) of a mapping is watched. A number for the other two, or −1 with errno. */
int pr_watch(const void *base, size_t bytes);
bool pr_watch_lost(int watched);
/* Before it is unmapped, when nobody reads it any more. */
void pr_unwatch(int watched);

#endif
