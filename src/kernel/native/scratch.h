/*
 * Working memory of kernel calls, kept between calls: a fresh megabyte costs 250 page faults, more than scoring a
 * thousand candidates. Blocks are 64-byte aligned, held by one caller at a time, and safe to take on any thread.
 *
 * One block holds many arrays, so an overrun would stay inside it and go unnoticed by AddressSanitizer. Under it, blocks
 * are not kept, and every array is followed by a fence of poisoned bytes.
 */
#ifndef PRERANK_SCRATCH_H
#define PRERANK_SCRATCH_H

#include <stddef.h>

#include "../../items/native/sanitized.h"

/* At least `bytes`; NULL when memory is out. */
void *pr_scratch_take(size_t bytes);
void pr_scratch_give(void *scratch);

#endif
